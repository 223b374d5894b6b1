import ArgumentParser
import DeRa
import DeRaChatTemplate
import DeRaConsole
import DeRaPlatform

struct ChatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat",
    abstract: "Holds a conversation whose alignment strength can change at any turn.",
    discussion: """
      Type a message and press Enter. Lines that begin with / are commands:

      \(ChatInput.helpText)

      Keys: arrows, Home, End, Ctrl-A/E (start, end), Ctrl-K/U (delete to end, to start), Ctrl-W (delete a word), \
      up and down for history, Ctrl-R to search it. The history is kept in $XDG_STATE_HOME/dera/history \
      (~/.local/state/dera/history), which only you can read, unless --no-history is given. A chat from a pipe exits with 1 \
      when a line of it failed.

      Examples:
        dera chat model.dera --lambda 0.7 --system "Answer in one sentence."
        dera chat model.dera --system "Answer in lower case." --reference-without-system --lambda 1.5
        echo "/compare 0 0.5 1 2 Tell me a joke" | dera chat model.dera
        dera chat http://pi:8080     (a running server, dera serve)
      """)

  @Argument(
    help: "The model bundle, a .dera or .dera.lz4 file, or the URL of a running server.",
    completion: .file(extensions: ["dera", "lz4"]))
  var bundle: String
  @OptionGroup var key: ServerKeyArgument
  @OptionGroup(title: "Alignment") var lambda: LambdaArgument
  @OptionGroup(title: "Prompt") var system: SystemArgument
  @OptionGroup(title: "Prompt") var prompting: PromptArguments
  @OptionGroup(title: "Reference prompt") var reference: ReferencePromptArguments
  @Flag(help: "Neither read nor keep the lines typed into chats.") var noHistory = false
  @Flag(help: "Print an answer as one line of JSON, with all figures, once it is complete.") var json = false
  @OptionGroup(title: "Sampling") var sampling: SamplingArguments
  @OptionGroup(title: "Machine") var machine: SessionArguments

  func validate() throws {
    if prompting.template.chatTemplate == Input.name {
      throw ValidationError("a chat reads its messages from standard input, so --chat-template takes a file or a name")
    }
    if ServerAddress.isAddress(bundle) { try refuseForServer(prompting.given + machine.given) }
    if reference.referencePrompt == Input.name {
      throw ValidationError("a chat reads its messages from standard input, so --reference-prompt takes a file")
    }
  }

  func run() throws {
    let console = TerminalConsole(history: noHistory ? nil : .usual, wraps: !json)
    let (engine, realignment) =
      ServerAddress.isAddress(bundle) ? try serverEngine(console) : try bundleEngine(console)
    if reference.isGiven {
      console.note("Reference prompt: \(reference.state).")
      if reference.referenceWithoutSystem, system.text == nil {
        console.note("There is no --system either: the two prompts are the same until /system gives one.")
      } else if let remark = ReferencePromptArguments.remark(realignment) {
        console.note(remark)
      }
    }
    let loop = ChatLoop(
      engine: engine, console: console, systemPrompt: system.text, realignment: realignment, showsJSON: json)
    try loop.run()
    // Somebody at a terminal has seen what failed; a script has not.
    if !Input.isTerminal && loop.failures > 0 { throw ExitCode.failure }
  }

  private func greet(_ console: TerminalConsole, _ reference: String, _ aligned: [String]) {
    let models = aligned.isEmpty ? "no aligned model" : aligned.joined(separator: ", ")
    console.note("\(bundle): \(reference) with \(models). /help lists the commands.")
  }

  private func bundleEngine(_ console: TerminalConsole) throws -> (any ChatEngine, Realignment) {
    let bundle = try openBundle(bundle)
    let realignment = try lambda.realignment(for: bundle, hasReferencePrompt: reference.isGiven)
    let format = try prompting.format(bundle)
    try PromptArguments.check(system: system.text ?? reference.wantedSystem, format)
    var options = try sampling.options()
    options.furtherEnds = Set(format.furtherEnds.map(\.id))
    greet(console, bundle.referenceModel, bundle.alignedModels)
    if !format.hasTemplate {
      console.note("The bundle has no chat template: messages and answers are continued as plain text.")
    }
    let engine = BundleChatEngine(
      session: try machine.session(bundle, realignment, hasReferencePrompt: reference.isGiven), format: format,
      reference: try ReferenceConversation(reference), options: options)
    return (engine, realignment)
  }

  private func serverEngine(_ console: TerminalConsole) throws -> (any ChatEngine, Realignment) {
    let server = try key.session(bundle)
    let realignment = try lambda.realignment(for: server, hasReferencePrompt: reference.isGiven)
    greet(console, server.name, server.alignedModels)
    if !server.isOurs { console.note("It is no dera server, so there is no λ to move.") }
    let engine = ServerChatEngine(
      server, reference: try ReferenceConversation(reference), options: try sampling.options())
    return (engine, realignment)
  }
}

/// Answers with a bundle; what a conversation has in common with the one before stays in the KV cache.
private final class BundleChatEngine: ChatEngine {
  private let session: DecodingSession
  private let format: PromptFormat
  private let reference: ReferenceConversation?
  var options: GenerationOptions

  init(
    session: DecodingSession, format: PromptFormat, reference: ReferenceConversation?, options: GenerationOptions
  ) {
    self.session = session
    self.format = format
    self.reference = reference
    self.options = options
  }

  var alignedModels: [String] { session.bundle.alignedModels }
  var hasReferencePrompt: Bool { reference != nil }
  var bundlePath: String { session.bundle.path }
  var hasTemplate: Bool { format.hasTemplate }

  var contextLength: Int { session.contextLength }

  func tokenCount(_ messages: [Message]) throws -> Int {
    max(try tokens(messages).count, try referenceTokens(messages)?.count ?? 0)
  }

  func report(_ generation: Generation, _ realignment: Realignment) -> RunReport {
    RunReport(generation, session: session, realignment: realignment)
  }

  private func tokens(_ messages: [Message]) throws -> [Int32] {
    try format.tokens(messages: messages.map { TemplateMessage(role: $0.role, content: $0.content) })
  }

  private func referenceTokens(_ messages: [Message]) throws -> [Int32]? {
    try reference.map { try tokens($0.conversation(messages)) }
  }

  func answer(
    _ messages: [Message], _ realignment: Realignment, options: GenerationOptions, onText: (String) throws -> Bool
  ) throws -> Generation {
    try session.generate(
      prompt: try tokens(messages), reference: try referenceTokens(messages), realignment: realignment,
      options: options, onText: onText)
  }
}

/// The process's own terminal.
private final class TerminalConsole: ChatConsole {
  private let reader: LineReader
  private var wrap: WordWrap?

  init(history: ChatHistory?, wraps: Bool) {
    reader = LineReader(history: LineReader.isInteractive ? history : nil)
    if wraps && Terminal.canRedraw(STDOUT_FILENO) { wrap = WordWrap(width: Terminal.columns(STDOUT_FILENO)) }
  }

  func readLine(prompt: String) throws -> ReadLine { try reader.readLine(prompt: prompt) }

  func confirm(_ question: String) throws -> Bool? {
    guard LineReader.isInteractive else { return nil }
    guard case .line(let answer) = try reader.readLine(prompt: "\(question) [y/n] ", isKept: false) else {
      return false
    }
    return answer.lowercased().hasPrefix("y")
  }

  func write(_ text: String) throws {
    wrap?.width = Terminal.columns(STDOUT_FILENO)
    try Output.write(wrap?.feed(text) ?? text)
  }

  func note(_ text: String) {
    guard Terminal.canRedraw(STDERR_FILENO) else { return Output.note(printable(text)) }
    var wrap = WordWrap(width: Terminal.columns(STDERR_FILENO))
    Output.note(Style.dim(wrap.feed(printable(text))))
  }
}
