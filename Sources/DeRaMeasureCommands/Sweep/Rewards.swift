import DeRa
import DeRaConsole
import DeRaEvaluation
import DeRaKernels
import DeRaTokenization

/// An answer as scorers see it; an external command gets it as one JSON line.
package struct ScoredAnswer: Encodable {
  var id: String?
  var prompt: String
  var answer: String
  var lambda: String
  var seed: Int
  /// Tokens drawn, an end-of-text token included.
  var tokens: Int

  package init(id: String?, prompt: String, answer: String, lambda: String, seed: Int, tokens: Int) {
    self.id = id
    self.prompt = prompt
    self.answer = answer
    self.lambda = lambda
    self.seed = seed
    self.tokens = tokens
  }
}

/// Gives an answer a number.
package protocol Scorer: AnyObject {
  /// - Throws: `RewardError`, or what the scorer's own work throws.
  func score(_ answer: ScoredAnswer) throws -> Double
  /// Says that there are no more answers.
  /// - Throws: `RewardError` where only now is it plain that the numbers were not those of the answers.
  func finish() throws
}

extension Scorer {
  package func finish() {}
}

/// `name=kind:argument`, as `--reward` takes it.
struct RewardOption {
  var name: String
  var kind: String
  var argument: String

  static let form = "NAME=regex:PATTERN, NAME=length:TOKENS, NAME=bundle:FILE or NAME=command:COMMAND"

  /// - Throws: `RewardError.badOption`.
  init(_ text: String) throws(RewardError) {
    guard let equals = text.firstIndex(of: "="), let colon = text[equals...].firstIndex(of: ":") else {
      throw .badOption(text, "it is not of the form \(Self.form)")
    }
    name = String(text[..<equals])
    kind = String(text[text.index(after: equals)..<colon])
    argument = String(text[text.index(after: colon)...])
    guard SweepHeader.isRewardName(name) else {
      throw .badOption(text, "its name may have letters, digits and _-. only")
    }
    guard ["regex", "length", "bundle", "command"].contains(kind), !argument.isEmpty else {
      throw .badOption(text, "it is not of the form \(Self.form)")
    }
  }

  /// The reward that the option stands for; a bundle's is its content, not its path.
  func setting() throws -> String {
    kind == "bundle" ? "bundle:\(try openBundle(argument).fingerprint())" : "\(kind):\(argument)"
  }

  /// - Throws: `RewardError.badOption`, `TokenizerError` for a pattern, and what opening a bundle throws.
  func scorer(threads: Int?) throws -> any Scorer {
    switch kind {
    case "regex": return PatternScorer(try RegularExpression(argument))
    case "length":
      guard let target = Int(argument), target >= 0 else {
        throw RewardError.badOption("\(name)=\(kind):\(argument)", "the target must be a number of tokens")
      }
      return LengthScorer(target: target)
    case "bundle": return try BundleScorer(path: argument, threads: threads)
    default: return CommandScorer(name: name, command: argument)
    }
  }
}

/// Why a reward cannot be had.
package enum RewardError: Error, Equatable, CustomStringConvertible {
  case badOption(String, String)
  /// `command` of reward `name` ended, took too long or could not be started.
  case command(name: String, command: String, what: String)
  case notANumber(name: String, line: String)

  package var description: String {
    switch self {
    case .badOption(let text, let what): "--reward \(text): \(what)"
    case .command(let name, let command, let what):
      "the command of reward '\(name)' \(what): \(command); try it with: echo '{\"answer\": \"x\"}' | \(command)"
    case .notANumber(let name, let line):
      "the command of reward '\(name)' printed '\(line)', not a number from \(-SweepMetric.magnitudeLimit) to \(SweepMetric.magnitudeLimit); it must "
        + "print one number a line of input"
    }
  }
}

/// 1 where the pattern is found in the answer, else 0.
private final class PatternScorer: Scorer {
  private let pattern: RegularExpression

  init(_ pattern: RegularExpression) { self.pattern = pattern }

  func score(_ answer: ScoredAnswer) throws -> Double { try pattern.isFound(in: answer.answer) ? 1 : 0 }
}

/// −|tokens − target|: 0 for an answer of the wanted length.
private final class LengthScorer: Scorer {
  private let target: Int

  init(target: Int) { self.target = target }

  func score(_ answer: ScoredAnswer) -> Double { -Double(abs(answer.tokens - target)) }
}

/// ln p(answer | prompt) under another bundle: its first aligned model, or its only model. Prompt and answer are joined as plain
/// text.
private final class BundleScorer: Scorer {
  private let tokenizer: Tokenizer
  private let scorer: ContinuationScorer

  init(path: String, threads: Int?) throws {
    let bundle = try openBundle(path)
    tokenizer = try PromptFormat(bundle).tokenizer
    scorer = try ContinuationScorer(
      bundle: bundle, realignments: [Realignment(1, models: bundle.alignedModels.count)],
      contextLength: bundle.usualContext,
      engine: try Engine(pool: Threads.pool(threads)))
  }

  func score(_ answer: ScoredAnswer) throws -> Double {
    let (context, continuation) = try tokenizer.split(context: answer.prompt, continuation: answer.answer)
    guard !continuation.isEmpty else { return 0 }
    return try scorer.score(context: context, continuation: continuation)[0].logLikelihood
  }
}
