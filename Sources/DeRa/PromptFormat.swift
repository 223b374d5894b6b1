import DeRaBundle
import DeRaChatTemplate
import DeRaPlatform
import DeRaTokenization

/// Turns text and conversations into a bundle's token ids.
package struct PromptFormat: Sendable {
  package let tokenizer: Tokenizer
  private let template: ChatTemplate?

  /// - Throws: `PromptError.noTokenizer`, or `TemplateError` when the bundle's template is malformed.
  package init(_ bundle: ModelBundle) throws {
    guard let tokenizer = bundle.tokenizer else { throw PromptError.noTokenizer(path: bundle.path) }
    self.tokenizer = tokenizer
    template = try bundle.manifest.chatTemplate.map { try ChatTemplate(source: $0) }
  }

  /// Whether conversations are laid out by the model's own template.
  package var hasTemplate: Bool { template != nil }

  /// Plain text, with the special tokens the model expects around it.
  package func tokens(text: String) throws -> [Int32] { try tokenizer.encode(text, addSpecial: true) }

  /// A conversation ready for the next answer. Without a template the messages' contents are joined as they are.
  package func tokens(messages: [TemplateMessage]) throws -> [Int32] {
    guard let template else {
      let contents = messages.compactMap { message -> String? in
        guard case .string(let content)? = message.fields["content"] else { return nil }
        return content
      }
      return try tokens(text: contents.joined())
    }
    let text = try template.render(
      messages: messages, addGenerationPrompt: true, variables: tokenizer.specialTokens.mapValues(TemplateValue.string),
      now: .current)
    // The template writes the special tokens itself.
    return try tokenizer.encode(text, addSpecial: false)
  }
}

/// Why text cannot become tokens.
package enum PromptError: Error, Equatable, CustomStringConvertible {
  case noTokenizer(path: String)

  package var description: String {
    switch self {
    case .noTokenizer(let path):
      "\(path) has no tokenizer; convert it again from a checkpoint that has one (tokenizer.json, tokenizer.model or GGUF)"
    }
  }
}

extension TemplateDate {
  /// The local date and time.
  fileprivate static var current: TemplateDate? {
    var now = time(nil)
    var parts = tm()
    guard localtime_r(&now, &parts) != nil else { return nil }
    return TemplateDate(
      year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday), hour: Int(parts.tm_hour),
      minute: Int(parts.tm_min), second: min(Int(parts.tm_sec), 59))
  }
}
