/// The conditions that end an answer, besides the model's own end-of-text tokens.
package struct GenerationOptions: Sendable, Equatable {
  package var sampling = SamplingOptions()
  /// Longest answer in tokens; nil goes on until the context is full.
  package var maxTokens: Int?
  /// The answer ends before the first of these to appear; none of its text is shown.
  package var stopStrings: [String] = []

  package init() {}
}

/// Why an answer ended.
package enum FinishReason: String, Sendable, Codable {
  /// The model's end of text, or a stop string.
  case stop
  /// `maxTokens` was reached.
  case length
  /// The context is full.
  case context
  /// The caller asked to stop.
  case cancelled
}

/// An answer and what it cost.
package struct Generation: Sendable, Equatable {
  package var text = ""
  package var finishReason = FinishReason.stop
  package var promptTokens = 0
  /// Prompt tokens that were still in the cache from the call before.
  package var reusedTokens = 0
  /// Tokens drawn, an end-of-text token included.
  package var answerTokens = 0
  /// Seconds until the logits after the prompt were there.
  package var prefillSeconds = 0.0
  /// Seconds from there to the end.
  package var decodeSeconds = 0.0
  /// Seconds from the call to the first token.
  package var timeToFirstToken = 0.0
  /// The seed that repeats this answer.
  package var seed: UInt64 = 0

  package init() {}

  /// Prompt tokens evaluated a second.
  package var prefillRate: Double { rate(promptTokens - reusedTokens, prefillSeconds) }
  /// Tokens a second after the first one.
  package var decodeRate: Double { rate(answerTokens - 1, decodeSeconds) }

  private func rate(_ tokens: Int, _ seconds: Double) -> Double {
    tokens > 0 && seconds > 0 ? Double(tokens) / seconds : 0
  }
}

/// Why generation could not start.
package enum GenerationError: Error, Equatable, CustomStringConvertible {
  case emptyPrompt
  case promptTooLong(tokens: Int, contextLength: Int)
  case badOption(String)
  /// A plausibility mask where weights are blended.
  case maskedWeights

  package var description: String {
    switch self {
    case .maskedWeights:
      "--plausible needs the reference's logits, which --blend weights does not compute; use --blend logits"
    case .emptyPrompt: "the prompt has no tokens; give at least one character"
    case .promptTooLong(let tokens, let contextLength):
      "the prompt has \(tokens) tokens but the context holds \(contextLength); shorten it or raise --context"
    case .badOption(let what): what
    }
  }
}
