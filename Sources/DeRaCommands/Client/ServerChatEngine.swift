import DeRa

/// Answers a chat with a server.
final class ServerChatEngine: ChatEngine {
  private let session: ServerSession
  private let reference: ReferenceConversation?
  var options: GenerationOptions

  init(_ session: ServerSession, reference: ReferenceConversation?, options: GenerationOptions) {
    self.session = session
    self.reference = reference
    self.options = options
  }

  var alignedModels: [String] { session.alignedModels }
  var hasReferencePrompt: Bool { reference != nil }
  /// The bundle is the server's; no file here is.
  let bundlePath = ""
  var hasTemplate: Bool { session.hasTemplate }
  var contextLength: Int { session.contextLength ?? .max }

  func tokenCount(_ messages: [Message]) throws -> Int {
    let counts = try ([messages] + (reference.map { [$0.conversation(messages)] } ?? [])).map {
      try session.tokenCount($0) ?? 0
    }
    return counts.max() ?? 0
  }

  func report(_ generation: Generation, _ realignment: Realignment) -> RunReport {
    RunReport(generation, server: session, realignment: realignment)
  }

  func answer(
    _ messages: [Message], _ realignment: Realignment, options: GenerationOptions, onText: (String) throws -> Bool
  ) throws -> Generation {
    try session.answer(
      ServerSession.Request(
        .messages(messages), reference: reference, realignment: realignment, options: options),
      onText: onText)
  }
}

extension RunReport {
  /// The report of an answer that a server gave; its memory is not ours to tell.
  init(_ generation: Generation, server: ServerSession, realignment: Realignment) {
    self.init(
      generation, models: server.alignedModels, realignment: realignment, blend: .logits,
      contextLength: server.contextLength ?? 0, peakMemoryBytes: nil)
  }
}
