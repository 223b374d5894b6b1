import DeRa
import DeRaConsole
import DeRaPlatform

// What changes or keeps the conversation without an answer.
extension ChatLoop {
  /// Messages that are shown of a loaded conversation.
  private static let shownMessages = 6

  /// The conversation before the first message.
  var start: [Message] { systemPrompt.map { [Message(role: "system", content: $0)] } ?? [] }

  func reset() { messages = start }

  func set(_ name: String, _ value: String) throws {
    if !name.isEmpty && !value.isEmpty {
      engine.options = try ChatSetting.change(name, to: value, in: engine.options)
    }
    let shown = ChatSetting.all.filter { name.isEmpty || $0.name == name }
    if shown.isEmpty { _ = try ChatSetting.change(name, to: value, in: engine.options) }
    console.note(shown.map { "\($0.name) is \($0.text(engine.options))" }.joined(separator: "\n"))
  }

  func changeSystem(_ text: String?) throws {
    if let text {
      guard text.isEmpty || engine.hasTemplate else {
        throw ChatInputError(description: PromptArguments.noPlaceForSystem)
      }
      systemPrompt = text.isEmpty ? nil : text
      messages = start + messages.filter { $0.role != "system" }
    }
    console.note(systemPrompt.map { "The system prompt is: \($0)" } ?? "There is no system prompt.")
  }

  func undo() throws {
    guard let last = messages.lastIndex(where: { $0.role == "user" }) else {
      throw ChatInputError(description: "there is no message to forget")
    }
    let text = messages[last].content
    messages.removeSubrange(last...)
    console.note("Forgotten: \(printable(text))")
  }

  func save(_ path: String) throws {
    guard !FileIdentity.isSame(path, engine.bundlePath) else { throw OutputError.isBundle(path) }
    if access(path, F_OK) == 0 {
      guard let answer = try console.confirm("\(path) exists. Replace it?") else {
        throw ChatInputError(description: "\(path) exists; choose another name")
      }
      guard answer else { return console.note("Nothing was saved.") }
    }
    try saved.save(to: path)
    console.note("Saved \(messages.count) messages to \(path).")
  }

  private var saved: Conversation {
    var lambda = Dictionary(zip(engine.alignedModels, realignment.lambdas), uniquingKeysWith: { first, _ in first })
    if engine.hasReferencePrompt { lambda[Realignment.promptName] = realignment.prompt }
    return Conversation(messages: messages, lambda: lambda, seed: lastSeed)
  }

  func load(_ path: String) throws {
    let loaded = try Conversation.load(from: path)
    let models = engine.alignedModels
    var wanted = loaded.lambda
    let prompt = models.contains(Realignment.promptName) ? nil : wanted.removeValue(forKey: Realignment.promptName)
    if prompt ?? 1 != 1, !engine.hasReferencePrompt {
      throw ChatInputError(
        description: "\(path) has a λ of the prompt, so it needs a reference prompt; start the chat with "
          + "--reference-system, --reference-without-system or --reference-prompt")
    }
    if let unknown = wanted.keys.sorted().first(where: { !models.contains($0) }) {
      throw RealignmentError.unknownModel(unknown, models: models)
    }
    messages = loaded.messages.filter { engine.hasTemplate || $0.role != "system" }
    if messages.count < loaded.messages.count {
      console.note("Its system prompt is left out: \(PromptArguments.noPlaceForSystem).")
    }
    systemPrompt = messages.first.flatMap { $0.role == "system" ? $0.content : nil }
    realignment = Realignment(lambdas: models.map { wanted[$0] ?? 0 }, prompt: prompt ?? 1)
    for message in messages where message.role == "system" { show(message) }
    let turns = messages.filter { $0.role != "system" }
    if turns.count > Self.shownMessages { console.note("… \(turns.count - Self.shownMessages) earlier messages") }
    for message in turns.suffix(Self.shownMessages) { show(message) }
    console.note("Loaded \(messages.count) messages; λ is \(lambdaText).")
  }

  private func show(_ message: Message) {
    let mark = ["user": "> ", "system": "system: "][message.role] ?? ""
    console.note(mark + printable(message.content))
  }
}
