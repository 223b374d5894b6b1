import DeRa

/// The engine as the server sees it; tests put a script in its place.
package struct Answering: Sendable {
  /// Takes all requests of a client or none; never waits.
  /// - Throws: `APIError`, such as overload.
  package var submit: @Sendable ([AnswerRequest]) throws(APIError) -> [ServedAnswer]
  package var figures: @Sendable () -> EngineSnapshot

  package init(
    submit: @escaping @Sendable ([AnswerRequest]) throws(APIError) -> [ServedAnswer],
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
    self.init { requests throws(APIError) in
      do {
        return try engine.submit(requests).map {
          ServedAnswer(events: $0.events, cancel: $0.cancel, realign: $0.setRealignment)
        }
      } catch {
        throw APIError(error)
      }
    } figures: {
      engine.snapshot
    }
  }
}

extension APIError {
  /// A failure of the engine as clients see it. One that the request brought about is its fault, with the field's name.
  package init(_ error: any Error) {
    self =
      switch error {
      case let error as APIError: error
      case EngineError.overloaded: .overloaded("\(error)")
      case EngineError.stopped: .unavailable("the server is stopping")
      case EngineError.oneSequence: .invalid("\(error)", param: "reference_system")
      case GenerationError.promptTooLong(let tokens, let context), GenerationError.textTooLong(let tokens, let context),
        SessionError.contextFull(let tokens, let context):
        .contextSize(tokens, context)
      case GenerationError.promptsTooLong(let tokens, let reference, let context):
        .contextSize(max(tokens, reference), context)
      case GenerationError.emptyPrompt, SessionError.empty, SessionError.invalidToken:
        .invalid("\(error)", param: "prompt")
      case GenerationError.badOption(let problem), SamplingError.badOption(let problem):
        .invalid("\(error)", param: problem.name)
      case GenerationError.maskedWeights: .invalid("\(error)", param: "plausible")
      case SamplingError.badLogit: .invalid("\(error)", param: "lambda")
      case SamplingError.nothingPossible, SamplingError.biasOutOfRange: .invalid("\(error)", param: "logit_bias")
      case SamplingError.grammar: .invalid("\(error)", param: "response_format")
      default: .failed(error)
      }
  }
}
