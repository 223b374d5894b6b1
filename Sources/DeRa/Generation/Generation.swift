/// The conditions that end an answer, besides the model's own end-of-text tokens.
public struct GenerationOptions: Sendable, Equatable {
  /// The choice of the next token.
  public var sampling = SamplingOptions()
  /// Longest answer in tokens; nil goes on until the context is full.
  public var maxTokens: Int?
  /// The answer ends before the first of these to appear; none of its text is shown.
  public var stopStrings: [String] = []
  /// The form that the answer must have; it ends where that is complete.
  public var constraint: AnswerConstraint?
  /// Ids that end the answer besides the bundle's end-of-text tokens.
  package var furtherEnds: Set<Int32> = []
  /// Whether an answer goes on where the model would end it.
  package var ignoresEndOfText = false
  /// Likeliest tokens to report with every token and its log-probability; nil reports none.
  package var logprobs: Int?
  /// Whether log-probabilities are those of each model too. Models that λ leaves out then run as well.
  package var explains = false
  /// Whether the prompt's own tokens get log-probabilities. Nothing of it can be reused then.
  package var scoresPrompt = false

  /// - Parameters: as the members of these names, here and in `SamplingOptions`.
  public init(
    temperature: Float = 0.8, topK: Int = 40, topP: Float = 0.95, minP: Float = 0, plausible: Float = 0,
    repetitionPenalty: Float = 1, frequencyPenalty: Float = 0, presencePenalty: Float = 0,
    logitBias: [Int32: Float] = [:], seed: UInt64? = nil, maxTokens: Int? = nil, stopStrings: [String] = []
  ) {
    sampling.temperature = temperature
    sampling.topK = topK
    sampling.topP = topP
    sampling.minP = minP
    sampling.plausible = plausible
    sampling.repetitionPenalty = repetitionPenalty
    sampling.frequencyPenalty = frequencyPenalty
    sampling.presencePenalty = presencePenalty
    sampling.logitBias = logitBias
    sampling.seed = seed
    self.maxTokens = maxTokens
    self.stopStrings = stopStrings
  }
}

extension GenerationOptions {
  /// - Parameter reference: the reference prompt, if there is one.
  /// - Throws: `GenerationError` or `SamplingError` when no sequence of that context length can answer the prompt so.
  package func check(prompt: [Int32], reference: [Int32]?, contextLength: Int, blend: Blend) throws {
    if blend == .weights && sampling.plausible > 0 { throw GenerationError.maskedWeights }
    guard !prompt.isEmpty, reference?.isEmpty != true else { throw GenerationError.emptyPrompt }
    if let reference, max(prompt.count, reference.count) > contextLength {
      throw GenerationError.promptsTooLong(
        tokens: prompt.count, reference: reference.count, contextLength: contextLength)
    }
    guard prompt.count <= contextLength else {
      throw GenerationError.promptTooLong(tokens: prompt.count, contextLength: contextLength)
    }
    if let maxTokens, maxTokens < 0 {
      throw GenerationError.badOption(OptionProblem("max tokens", "\(maxTokens)", allowed: "0 or more"))
    }
    if stopStrings.contains("") {
      throw GenerationError.badOption(OptionProblem("a stop string", "empty", allowed: "a text"))
    }
    if constraint != nil && sampling.plausible > 0 {
      throw GenerationError.badOption(
        OptionProblem(
          "plausible", "\(sampling.plausible)",
          allowed: "0 beside a constraint: the plausibility mask may leave no token that the form takes"))
    }
    try sampling.validate()
  }
}

/// Why an answer ended.
public enum FinishReason: String, Sendable, Codable {
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
public struct Generation: Sendable, Equatable {
  /// The answer without special tokens, ended before a stop string.
  public var text = ""
  /// Why it ended.
  public var finishReason = FinishReason.stop
  /// Tokens of the prompt.
  public var promptTokens = 0
  /// Prompt tokens that were still in the cache from the call before.
  public var reusedTokens = 0
  /// Tokens drawn, an end-of-text token included.
  public var answerTokens = 0
  /// Seconds until the logits after the prompt were there.
  public var prefillSeconds = 0.0
  /// Seconds from there to the end.
  public var decodeSeconds = 0.0
  /// Seconds from the call to the first token.
  public var timeToFirstToken = 0.0
  /// The seed that repeats this answer.
  public var seed: UInt64 = 0

  package init() {}

  /// Prompt tokens evaluated a second.
  public var prefillRate: Double { rate(promptTokens - reusedTokens, prefillSeconds) }
  /// Tokens a second after the first one.
  public var decodeRate: Double { rate(answerTokens - 1, decodeSeconds) }

  private func rate(_ tokens: Int, _ seconds: Double) -> Double {
    tokens > 0 && seconds > 0 ? Double(tokens) / seconds : 0
  }
}

/// Why generation could not start.
package enum GenerationError: Error, Equatable, CustomStringConvertible {
  case emptyPrompt
  case promptTooLong(tokens: Int, contextLength: Int)
  /// The tokens are counted by the text's length: at least so many.
  case textTooLong(leastTokens: Int, contextLength: Int)
  /// One of two prompts.
  case promptsTooLong(tokens: Int, reference: Int, contextLength: Int)
  case badOption(OptionProblem)
  /// A plausibility mask where weights are blended.
  case maskedWeights

  package var description: String {
    switch self {
    case .maskedWeights:
      "the plausibility mask needs the reference's logits, which blending weights does not compute"
    case .emptyPrompt: "the prompt has no tokens; give at least one character"
    case .promptTooLong(let tokens, let contextLength):
      "the prompt has \(tokens) tokens but the context holds \(contextLength)"
    case .textTooLong(let tokens, let contextLength):
      "the prompt has at least \(tokens) tokens but the context holds \(contextLength)"
    case .promptsTooLong(let tokens, let reference, let contextLength):
      "the prompt has \(tokens) tokens and the reference prompt \(reference), but the context holds \(contextLength)"
    case .badOption(let problem): "\(problem)"
    }
  }
}
