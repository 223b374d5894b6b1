/// An answer that is wanted of an `AnswerEngine`.
package struct AnswerRequest: Sendable {
  package var prompt: [Int32]
  /// The prompt that λ of the prompt blends with `prompt`; the answer then takes two sequences.
  package var referencePrompt: [Int32]?
  package var realignment: Realignment
  /// Further λ, each from a token of the answer on; in order of tokens.
  package var schedule: [(token: Int, realignment: Realignment)] = []
  package var options: GenerationOptions

  package init(prompt: [Int32], realignment: Realignment, options: GenerationOptions) {
    self.prompt = prompt
    self.realignment = realignment
    self.options = options
  }
}

/// The events of a request, in this order: `admitted`, any number of the middle ones, then `finished` or `failed`.
package enum AnswerEvent: Sendable {
  /// Its turn has come.
  /// - Parameters:
  ///   - cached: tokens of the prompt that need not be computed again.
  ///   - differsAt: the token at which the prompt first differs from the most similar text that was there; nil without one.
  case admitted(cached: Int, differsAt: Int?)
  /// Tokens of the prompt that are computed.
  case prompt(processed: Int, total: Int)
  /// Log-probabilities of the next tokens of the prompt, whose first has none; where they were asked for.
  case promptLogprobs([TokenLogprobs])
  /// - Parameter text: what is certain now, whole characters; may be empty.
  case token(id: Int32, text: String, logprobs: TokenLogprobs?)
  /// Another λ counts from that token of the answer on.
  case realigned(token: Int, Realignment)
  /// - Parameter text: what was held back.
  case finished(Generation, text: String)
  case failed(any Error)
}

/// Why a request is not taken.
package enum EngineError: Error, Equatable, CustomStringConvertible {
  case overloaded(waiting: Int)
  case stopped
  /// Two prompts, of an engine that has one sequence.
  case oneSequence

  package var description: String {
    switch self {
    case .overloaded(let waiting): "\(waiting) requests are waiting already; try again later"
    case .stopped: "the engine is stopping"
    case .oneSequence: "two prompts need two sequences, and this engine computes one"
    }
  }
}
