import ArgumentParser
import DeRa
import DeRaCommands
import DeRaConsole
import DeRaPlatform
import DeRaServer
import FoundationEssentials

/// The command `dera serve`, which is the program `dera-serve`.
package struct ServeCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "dera serve",
    abstract: Handover.serve.abstract,
    discussion: """
      Every option can also be given by the environment: DERA_PORT=8081 is --port 8081, DERA_NO_AUTH=1 is --no-auth; \
      DERA_API_KEY holds a key. SIGTERM and Ctrl-C end the server: answers that are under way get ten seconds.

      Examples:
        dera serve model.dera
        dera serve model.dera --lambda 0.5 --preset gentle=0.3 --preset strong=1.5
        dera serve model.dera --host 0.0.0.0 --api-key-file keys.txt
        curl http://127.0.0.1:8080/v1/chat/completions -d '{"messages":[{"role":"user","content":"Hi"}],"lambda":0.5}'
      """,
    version: "dera-serve \(Version.text)")

  @OptionGroup var bundle: BundleArgument
  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Alignment") var lambda: LambdaArgument
  @Option(
    help: ArgumentHelp(
      "A λ that clients can choose as the model NAME@name. Repeatable. (default: 0, 0.5 and 1)", valueName: "name=λ"))
  var preset: [String] = []
  @Option(help: ArgumentHelp("What clients call the model (default: the file's name).", valueName: "text")) var name:
    String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Answers computed at the same time (default: 2; 1 below 1 GB of memory).", valueName: "count"))
  var parallel: Int?
  @Option(parsing: .unconditional, help: ArgumentHelp("Answers that may wait; more are refused.", valueName: "count"))
  var queue = 64
  @OptionGroup(title: "Prompt") var prompting: PromptArguments
  @OptionGroup(title: "Sampling where a request says nothing") var sampling: SamplingArguments
  @OptionGroup(title: "Machine") var machine: SessionArguments

  package init() {}

  /// Parses the process's arguments and what the environment adds, and serves; exits as `dera` does.
  package static func start() -> Never {
    Program.run(
      Self.self,
      arguments: ServeEnvironment.arguments(
        Array(CommandLine.arguments.dropFirst()), environment: ProcessInfo.processInfo.environment))
  }

  package func validate() throws {
    if let parallel, !(1...256).contains(parallel) { throw ValidationError("--parallel must be from 1 to 256") }
    guard (0...100_000).contains(queue) else { throw ValidationError("--queue must be from 0 to 100000") }
  }

  package func run() throws {
    // Threads that are begun from here on leave the signals to this one.
    let signals = EndingSignals()
    let access = try network.access()
    let router = Router(access: access) { line in
      if line.path != "/health" || line.status != 200 { Output.note(line.text) }
    }
    let server = Server(router)
    let addresses = try network.listen(server)
    let notifier = SystemdNotifier(environment: ProcessInfo.processInfo.environment)
    notifier?.status("loading \(bundle.bundle)")
    let serving = try Serving(self)
    router.open(serving.service.routes())
    for address in addresses { Output.note("Serving \(serving.service.model.name) at \(address)") }
    Reachability.tell(addresses, key: access.keys.first)
    notifier?.ready("serving at \(addresses.joined(separator: ", "))")
    signals.wait(every: notifier?.watchdogMicroseconds) {
      if server.isAlive { notifier?.alive() }
    }
    notifier?.stopping()
    Output.note("Stopping; a second signal ends the program at once.")
    signals.release()
    server.stop(within: .seconds(10))
  }
}
