import ArgumentParser
import DeRaConsole
import DeRaPlatform

/// A command of `dera` that is carried out by another program beside it: a board that only runs models neither builds nor
/// carries the server or what measures.
package struct Handover: Sendable {
  package let command: String
  /// The program's file name.
  package let program: String
  package let abstract: String
  /// Whether the program takes the command's name first, because it has several.
  let namesCommand: Bool

  private init(_ command: String, _ program: String, namesCommand: Bool = true, _ abstract: String) {
    (self.command, self.program, self.namesCommand, self.abstract) = (command, program, namesCommand, abstract)
  }

  package static let logits = Handover(
    "logits", "dera-measure", "Writes the blended logits of every position, for oracles and analysis.")
  package static let perplexity = Handover(
    "perplexity", "dera-measure", "Measures how well a bundle predicts a text, and what its quantisation changed.")
  package static let score = Handover(
    "score", "dera-measure", "Log-likelihoods and answers for evaluation harnesses.")
  package static let sweep = Handover(
    "sweep", "dera-measure", "Draws answers under many λ and measures what λ changes.")
  package static let merge = Handover("merge", "dera-measure", "Puts the shards of one job together.")
  package static let frontier = Handover(
    "frontier", "dera-measure", "Finds the best bundle for a device: memory against quality.")
  package static let bench = Handover("bench", "dera-measure", "Measures speed, memory and bytes read per token.")
  package static let serve = Handover(
    "serve", "dera-serve", namesCommand: false,
    "Answers over HTTP, as OpenAI's, llama.cpp's and Ollama's servers do, with λ in every request.")

  package static let all = [logits, perplexity, score, sweep, merge, frontier, bench, serve]

  /// The handover that a command line of `dera` asks for and the arguments for its program; nil for a command of `dera`'s own.
  /// The parser takes `--help` for itself, so that this is asked before it.
  package static func find(in given: [String]) -> (handover: Handover, arguments: [String])? {
    let asksForHelp = given.first == "help"
    let name = asksForHelp ? given.dropFirst().first : given.first
    guard let handover = all.first(where: { $0.command == name }) else { return nil }
    let rest = asksForHelp ? ["--help"] : Array(given.dropFirst())
    return (handover, (handover.namesCommand ? [handover.command] : []) + rest)
  }

  /// Turns this process into the other program.
  /// - Throws: `StreamError` where the program is not there or does not start.
  func carryOut(_ arguments: [String]) throws -> Never {
    let path = ChildProcess.folder + "/" + program
    var words = ([path] + arguments).map { strdup($0) }
    words.append(nil)
    execv(path, words)
    let reason = errno == ENOENT ? "it is not there" : "\(String(cString: strerror(errno)))"
    throw StreamError(
      description:
        "dera \(command) is the program \(path), which cannot be started: \(reason); build it with: "
        + "swift build -c release --product \(program), and put it beside dera")
  }
}

// MARK: The rows of `dera --help`

/// A subcommand that stands for another program's. It is never parsed: `RootCommand.start` hands over before.
private protocol HandedOver: ParsableCommand {
  static var handover: Handover { get }
}

extension HandedOver {
  static var configuration: CommandConfiguration {
    CommandConfiguration(commandName: handover.command, abstract: handover.abstract)
  }
}

struct LogitsHandover: HandedOver { static let handover = Handover.logits }
struct PerplexityHandover: HandedOver { static let handover = Handover.perplexity }
struct ScoreHandover: HandedOver { static let handover = Handover.score }
struct SweepHandover: HandedOver { static let handover = Handover.sweep }
struct MergeHandover: HandedOver { static let handover = Handover.merge }
struct FrontierHandover: HandedOver { static let handover = Handover.frontier }
struct BenchHandover: HandedOver { static let handover = Handover.bench }
struct ServeHandover: HandedOver { static let handover = Handover.serve }
