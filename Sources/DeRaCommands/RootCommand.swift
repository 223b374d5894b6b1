import ArgumentParser
import DeRaConsole
import DeRaPlatform
import DeRaText

/// The command `dera`.
package struct RootCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "dera",
    abstract: "Runs language models whose alignment strength is a slider.",
    discussion: """
      A bundle holds a reference model and models aligned from it. Every token is drawn from
      softmax((1 - λ) · reference + λ · aligned): λ = 0 is the reference, λ = 1 the aligned model, \
      anything between or beyond a strength that nobody had to train (arXiv 2402.02992).

      Examples:
        dera run model.dera --lambda 0.7 "Explain tides to a child."
        dera chat model.dera
        dera serve model.dera
        dera inspect model.dera --context 4096

      Bundles are made by dera-quantize. DERA_ISA chooses the instruction set, NO_COLOR turns colours off.
      Completions: dera --generate-completion-script bash
      """,
    version: "dera \(Version.text)",
    subcommands: [
      RunCommand.self, ChatCommand.self, InspectCommand.self, TokenizeCommand.self, DetokenizeCommand.self,
      LogitsHandover.self, PerplexityHandover.self, ScoreHandover.self, SweepHandover.self, MergeHandover.self,
      FrontierHandover.self, BenchHandover.self, ServeHandover.self, PackCommand.self, UnpackCommand.self,
      ListCommand.self, DoctorCommand.self,
    ])

  package init() {}

  /// The message for a first argument that is neither a command nor an option.
  package static func wrongCommand(_ word: String) -> String? {
    // A key path through a metatype crashes the compiler (6.3.1).
    let names = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    guard !word.hasPrefix("-"), !names.contains(word) else { return nil }
    let list = "dera --help lists the commands"
    if let name = nearestWord(to: word, among: names) { return "there is no command '\(word)'; did you mean \(name)?" }
    if access(word, F_OK) == 0 {
      return "'\(word)' is no command; to run it: dera run \(shellQuoted(word)) PROMPT. \(list)"
    }
    return "there is no command '\(word)'; \(list)"
  }

  /// Parses the process's arguments and runs; exits with 0, 1 (failure), 64 (usage) or 130 (Ctrl-C).
  package static func start() -> Never {
    if CommandLine.arguments.dropFirst().first == "study" {
      Output.error("the study is a program of its own, dera-study; tools/study/run makes its bundles and runs it")
      exit(withError: ExitCode.validationFailure)
    }
    if let message = CommandLine.arguments.dropFirst().first.flatMap(wrongCommand) {
      Output.error(message)
      exit(withError: ExitCode.validationFailure)
    }
    if let (handover, arguments) = Handover.find(in: Array(CommandLine.arguments.dropFirst())) {
      do { try handover.carryOut(arguments) } catch {
        Output.error(errorText(error))
        exit(withError: ExitCode.failure)
      }
    }
    Program.run(Self.self)
  }
}
