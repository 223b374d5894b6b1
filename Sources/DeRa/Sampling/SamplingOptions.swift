import DeRaGrammar

/// How the next token is chosen from the blended logits.
///
/// The steps run in this order: plausibility mask, the mask of a constraint, logit bias, repetition / frequency / presence penalties, temperature,
/// top-k, top-p, min-p, draw. Each truncation sees what the one before it left, renormalised.
public struct SamplingOptions: Sendable, Equatable {
  /// Divides the logits. 0 is greedy: the largest logit, the lowest id on a tie.
  public var temperature: Float = 0.8
  /// Keeps the `topK` largest logits; 0 keeps all.
  public var topK = 40
  /// Keeps the smallest set of most probable tokens whose mass reaches `topP`; 1 keeps all.
  public var topP: Float = 0.95
  /// Drops tokens less probable than `minP` times the most probable one; 0 drops none.
  public var minP: Float = 0
  /// Tokens less probable under the reference model than `plausible` times its likeliest one are never drawn; 0 is off. See
  /// `PlausibilityMask`; whoever computes the logits applies it.
  public var plausible: Float = 0
  /// Logits of tokens in prompt and answer are divided by this when positive, multiplied when negative; 1 is off.
  /// Source: CTRL (arXiv 1909.05858), in the form of Hugging Face and llama.cpp.
  public var repetitionPenalty: Float = 1
  /// Subtracted once for every time the token already is in the answer (OpenAI's definition).
  public var frequencyPenalty: Float = 0
  /// Subtracted when the token already is in the answer (OpenAI's definition).
  public var presencePenalty: Float = 0
  /// Added to the logits of single tokens; −∞ bans a token.
  public var logitBias: [Int32: Float] = [:]
  /// Start of the random numbers; nil takes one from the system (and reports it).
  public var seed: UInt64?

  /// The defaults of `dera run`.
  public init() {}

  /// - Throws: `SamplingError.badOption` for the first value outside its range.
  package func validate() throws(SamplingError) {
    let ranges: [(name: String, value: Float, isValid: Bool, range: String)] = [
      ("temperature", temperature, temperature >= 0 && temperature.isFinite, "0 (greedy) or more"),
      ("top-k", Float(topK), topK >= 0, "0 (off) or more"),
      ("top-p", topP, topP > 0 && topP <= 1, "above 0, up to 1 (off)"),
      ("min-p", minP, minP >= 0 && minP <= 1, "from 0 (off) to 1"),
      ("plausible", plausible, plausible >= 0 && plausible <= 1, "from 0 (off) to 1"),
      (
        "repetition penalty", repetitionPenalty, repetitionPenalty > 0 && repetitionPenalty.isFinite,
        "above 0; 1 is off"
      ),
      ("frequency penalty", frequencyPenalty, frequencyPenalty.isFinite, "a finite number; 0 is off"),
      ("presence penalty", presencePenalty, presencePenalty.isFinite, "a finite number; 0 is off"),
    ]
    for row in ranges where !row.isValid {
      throw .badOption(OptionProblem(row.name, "\(row.value)", allowed: row.range))
    }
    for (id, bias) in logitBias where id < 0 || bias.isNaN || bias == .infinity {
      throw .badOption(
        OptionProblem(
          "logit bias of token \(id)", "\(bias)", allowed: "finite or -inf, of a token that is not negative"))
    }
  }
}

/// An option outside its range.
package struct OptionProblem: Equatable, Sendable, CustomStringConvertible {
  package let name: String
  package let value: String
  /// The values that it may have.
  package let allowed: String

  package init(_ name: String, _ value: String, allowed: String) {
    self.name = name
    self.value = value
    self.allowed = allowed
  }

  package var description: String { "\(name) is \(value) but must be \(allowed)" }
}

/// Why no token could be drawn.
package enum SamplingError: Error, Equatable, CustomStringConvertible {
  case badOption(OptionProblem)
  /// A logit is NaN or +∞.
  case badLogit(token: Int, value: Float)
  /// Every token has logit −∞.
  case nothingPossible
  case biasOutOfRange(token: Int32, vocabulary: Int)
  /// The answer cannot go on in its form.
  case grammar(GrammarError)

  package var description: String {
    switch self {
    case .badOption(let problem): "\(problem)"
    case .badLogit(let token, let value):
      "the logit of token \(token) is \(value): the weights are damaged or λ is too large"
    case .nothingPossible: "every token is impossible (logit −∞); loosen the logit bias"
    case .grammar(let error): "\(error)"
    case .biasOutOfRange(let token, let vocabulary):
      "logit bias for token \(token), but the vocabulary has \(vocabulary) tokens (0 to \(vocabulary - 1))"
    }
  }
}
