import DeRa

/// A setting of `/set`: a name, and how its value is shown and read.
struct ChatSetting {
  let name: String
  /// The values it takes, for messages.
  let values: String
  let text: (GenerationOptions) -> String
  /// nil when the text is no value of this kind.
  let read: (inout GenerationOptions, String) -> Void?

  static var all: [ChatSetting] {
    [
      number("temperature", \.sampling.temperature), number("top-k", \.sampling.topK), number("top-p", \.sampling.topP),
      number("min-p", \.sampling.minP), number("plausible", \.sampling.plausible),
      number("repetition-penalty", \.sampling.repetitionPenalty),
      number("frequency-penalty", \.sampling.frequencyPenalty), number("presence-penalty", \.sampling.presencePenalty),
      optional("seed", \.sampling.seed, none: "random"), optional("max-tokens", \.maxTokens, none: "unlimited"),
    ]
  }

  /// Changes a setting.
  /// - Throws: `ChatInputError` for another name or a value that it does not take.
  static func change(_ name: String, to value: String, in options: GenerationOptions) throws -> GenerationOptions {
    guard let setting = all.first(where: { $0.name == name }) else {
      throw ChatInputError(
        description: "there is no setting \(name); there are \(all.map(\.name).joined(separator: ", "))")
    }
    var changed = options
    guard setting.read(&changed, value) != nil, changed.maxTokens ?? 1 >= 1 else {
      throw ChatInputError(
        description: "\(name) takes \(setting.values), not '\(value)'; it is \(setting.text(options))")
    }
    do {
      try changed.sampling.validate()
    } catch {
      throw ChatInputError(description: "\(error)")
    }
    return changed
  }

  private static func number<Value: LosslessStringConvertible>(
    _ name: String, _ path: WritableKeyPath<GenerationOptions, Value>
  ) -> ChatSetting {
    ChatSetting(
      name: name, values: Value.self == Int.self ? "a whole number" : "a number", text: { "\($0[keyPath: path])" },
      read: { options, text in Value(text).map { options[keyPath: path] = $0 } })
  }

  private static func optional<Value: LosslessStringConvertible>(
    _ name: String, _ path: WritableKeyPath<GenerationOptions, Value?>, none: String
  ) -> ChatSetting {
    ChatSetting(
      name: name, values: "a whole number or \(none)", text: { $0[keyPath: path].map { "\($0)" } ?? none },
      read: { options, text in
        let value = Value(text)
        guard text == none || value != nil else { return nil }
        options[keyPath: path] = value
        return ()
      })
  }
}
