import ArgumentParser
import DeRa

/// The sampling of a command that is not told otherwise.
package protocol SamplingDefaults {
  static var temperature: Float { get }
  static var topK: Int { get }
  static var topP: Float { get }
}

/// Answers for people.
package enum AnswerDefaults: SamplingDefaults {
  package static let temperature: Float = 0.8
  package static let topK = 40
  package static let topP: Float = 0.95
}

/// The blend itself, neither truncated nor heated.
package enum BlendDefaults: SamplingDefaults {
  package static let temperature: Float = 1
  package static let topK = 0
  package static let topP: Float = 1
}

/// The options of every command that samples: which tokens may follow, and what text ends an answer.
package struct DistributionArguments<Defaults: SamplingDefaults>: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Randomness; 0 always takes the likeliest token.", valueName: "T"))
  package var temperature: Float = Defaults.temperature

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Choose among the k likeliest tokens; 0 is off.", valueName: "k"))
  package var topK = Defaults.topK

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Choose among the likeliest tokens of total probability p; 1 is off.", valueName: "p"))
  package var topP: Float = Defaults.topP

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Drop tokens the reference model finds less likely than α times its likeliest; for λ far outside 0 to 1; 0 is off.",
      valueName: "α"))
  package var plausible: Float = 0

  @Option(help: ArgumentHelp("End the answer before this text. Repeatable.", valueName: "text"))
  package var stop: [String] = []

  package init() {}

  package func apply(to options: inout GenerationOptions) {
    options.stopStrings = stop
    options.sampling.temperature = temperature
    options.sampling.topK = topK
    options.sampling.topP = topP
    options.sampling.plausible = plausible
  }
}
