import ArgumentParser
import DeRaConsole
import DeRaEvaluation
import DeRaPlatform

/// The commands of `dera` that measure, which are the program `dera-measure`.
package struct MeasureCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    // The program is started as `dera sweep`, and help and usage say so.
    commandName: "dera",
    abstract: "Measures what λ and what quantisation change.",
    discussion: "dera carries out these commands by this program, dera-measure: dera sweep is dera-measure sweep.",
    version: "dera-measure \(Version.text)",
    subcommands: [
      LogitsCommand.self, PerplexityCommand.self, ScoreCommand.self, SweepCommand.self, MergeCommand.self,
      FrontierCommand.self, BenchCommand.self,
    ])

  package init() {}

  /// Parses the process's arguments and runs; exits as `dera` does.
  package static func start() -> Never { Program.run(Self.self) }
}

extension EvaluationError: Remediable {
  package var remedy: String? {
    switch self {
    case .notFinite: notFiniteRemedy
    case .textTooShort: "--context says how long a chunk is"
    default: nil
    }
  }
}
