import ArgumentParser
import DeRa

/// How tokens are chosen and what ends an answer.
package struct SamplingArguments: ParsableArguments {
  @Option(
    name: [.customShort("n"), .long], parsing: .unconditional,
    help: ArgumentHelp("Longest answer (default: until the context is full).", valueName: "tokens"))
  package var maxTokens: Int?

  @OptionGroup package var distribution: DistributionArguments<AnswerDefaults>

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Drop tokens less likely than p times the likeliest; 0 is off.", valueName: "p"))
  package var minP: Float = 0

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Divides positive logits of tokens already there; 1 is off.", valueName: "r"))
  package var repetitionPenalty: Float = 1

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Subtracted for every time a token is in the answer; 0 is off.", valueName: "x"))
  package var frequencyPenalty: Float = 0

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Subtracted once a token is in the answer; 0 is off.", valueName: "x"))
  package var presencePenalty: Float = 0

  @Option(
    help: ArgumentHelp("Added to the logit of one token; -inf bans it. Repeatable.", valueName: "id=value"))
  package var logitBias: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Repeats an answer (default: a new seed, shown at the end).", valueName: "number"))
  package var seed: UInt64?

  package init() {}

  package func validate() throws { _ = try options() }

  /// - Throws: `ValidationError` for the first value outside its range.
  package func options() throws -> GenerationOptions {
    var options = GenerationOptions()
    options.maxTokens = maxTokens
    distribution.apply(to: &options)
    options.sampling.minP = minP
    options.sampling.repetitionPenalty = repetitionPenalty
    options.sampling.frequencyPenalty = frequencyPenalty
    options.sampling.presencePenalty = presencePenalty
    options.sampling.seed = seed
    for entry in logitBias {
      let parts = entry.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2, let id = Int32(parts[0]), let value = Float(parts[1]) else {
        throw ValidationError("--logit-bias takes ID=VALUE, such as 15=-2.5, not '\(entry)'")
      }
      guard options.sampling.logitBias.updateValue(value, forKey: id) == nil else {
        throw ValidationError("--logit-bias gives token \(id) twice; leave out one")
      }
    }
    if let maxTokens, maxTokens < 0 { throw ValidationError("--max-tokens must be 0 or more") }
    return try options.validated()
  }
}

extension GenerationOptions {
  /// - Throws: `ValidationError` for the first value outside its range.
  package func validated() throws -> GenerationOptions {
    if stopStrings.contains("") { throw ValidationError("--stop must not be empty") }
    do {
      try sampling.validate()
    } catch {
      throw ValidationError("\(error)")
    }
    return self
  }
}
