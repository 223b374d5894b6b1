import DeRa

/// The engine as the server sees it; tests put a script in its place.
package struct Answering: Sendable {
  /// Never waits.
  /// - Throws: `APIError`, such as overload.
  package var submit: @Sendable (AnswerRequest) throws(APIError) -> ServedAnswer
  package var figures: @Sendable () -> EngineSnapshot

  package init(
    submit: @escaping @Sendable (AnswerRequest) throws(APIError) -> ServedAnswer,
    figures: @escaping @Sendable () -> EngineSnapshot
  ) {
    self.submit = submit
    self.figures = figures
  }
}

/// An answer that was submitted.
package struct ServedAnswer: Sendable {
  package var events: AsyncStream<AnswerEvent>
  package var cancel: @Sendable () -> Void
  /// Another λ from the next token on.
  package var realign: @Sendable (Realignment) -> Void

  package init(
    events: AsyncStream<AnswerEvent>, cancel: @escaping @Sendable () -> Void,
    realign: @escaping @Sendable (Realignment) -> Void
  ) {
    self.events = events
    self.cancel = cancel
    self.realign = realign
  }
}

extension Answering {
  /// An engine of this process.
  package init(_ engine: AnswerEngine) {
    self.init { request throws(APIError) in
      do {
        let answer = try engine.submit(request)
        return ServedAnswer(events: answer.events, cancel: answer.cancel, realign: answer.setRealignment)
      } catch {
        throw APIError(error)
      }
    } figures: {
      engine.snapshot
    }
  }
}

extension APIError {
  /// A failure of the engine as clients see it.
  init(_ error: any Error) {
    self =
      switch error {
      case let error as APIError: error
      case EngineError.overloaded: .overloaded("\(error)")
      case EngineError.stopped: .unavailable("the server is stopping")
      case GenerationError.promptTooLong(let tokens, let context): .contextSize(tokens, context)
      case is GenerationError, is SamplingError, is SessionError: .invalid("\(error)", param: nil)
      default: .failed(error)
      }
  }
}
