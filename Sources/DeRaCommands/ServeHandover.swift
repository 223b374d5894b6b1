import ArgumentParser
import DeRaConsole
import DeRaPlatform

/// Hands over to `dera-serve`, a program of its own: whoever only runs models neither builds nor carries the server.
package struct ServeHandover: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Answers over HTTP, as OpenAI's, llama.cpp's and Ollama's servers do, with λ in every request.",
    discussion: "The server is the program dera-serve beside dera. dera serve --help shows its options.")

  @Argument(
    parsing: .captureForPassthrough, help: ArgumentHelp("Arguments of the server: a bundle and options.")
  ) var arguments: [String] = []

  package init() {}

  package func run() throws { try Self.handOver(arguments) }

  /// The arguments of the server in a command line of `dera`; nil for another command. The parser takes `--help` for itself,
  /// so that this is asked before it.
  package static func arguments(in given: [String]) -> [String]? {
    switch given.prefix(2) {
    case ["help", "serve"]: ["--help"]
    case let first where first.first == "serve": Array(given.dropFirst())
    default: nil
    }
  }

  /// Turns this process into the server.
  /// - Throws: `StreamError` where the program is not there or does not start.
  static func handOver(_ arguments: [String]) throws -> Never {
    let path = ChildProcess.folder + "/dera-serve"
    var words = ([path] + arguments).map { strdup($0) }
    words.append(nil)
    execv(path, words)
    let reason = errno == ENOENT ? "it is not there" : "\(String(cString: strerror(errno)))"
    throw StreamError(
      description:
        "cannot start the server \(path): \(reason); build it with: swift build -c release --product dera-serve, "
        + "and put it beside dera")
  }
}
