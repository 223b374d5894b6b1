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
        echo "/compare 0 0.5 1 2 Tell me a joke" | dera chat model.dera
      """)

  @OptionGroup var bundle: BundleArgument
  @OptionGroup(title: "Alignment") var lambda: LambdaArgument
  @OptionGroup(title: "Prompt") var system: SystemArgument
  @OptionGroup(title: "Prompt") var prompting: PromptArguments
  @Flag(help: "Neither read nor keep the lines typed into chats.") var noHistory = false
  @Flag(help: "Print an answer as one line of JSON, with all figures, once it is complete.") var json = false
  @OptionGroup(title: "Sampling") var sampling: SamplingArguments
  @OptionGroup(title: "Machine") var machine: SessionArguments

  func validate() throws {
    if prompting.template.chatTemplate == Input.name {
      throw ValidationError("a chat reads its messages from standard input, so --chat-template takes a file or a name")
    }
  }

  func run() throws {
    let bundle = try bundle.open()
    let realignment = try lambda.realignment(for: bundle)
    let format = try prompting.format(bundle)
    try PromptArguments.check(system: system.text, format)
    var options = try sampling.options()
    options.furtherEnds = Set(format.furtherEnds.map(\.id))
    let console = TerminalConsole(history: noHistory ? nil : .usual, wraps: !json)
    let models = bundle.alignedModels.isEmpty ? "no aligned model" : bundle.alignedModels.joined(separator: ", ")
    console.note("\(self.bundle.bundle): \(bundle.referenceModel) with \(models). /help lists the commands.")
    if !format.hasTemplate {
      console.note("The bundle has no chat template: messages and answers are continued as plain text.")
    }
    let engine = BundleChatEngine(
      session: try machine.session(bundle, realignment), format: format, options: options)
    let loop = ChatLoop(
      engine: engine, console: console, systemPrompt: system.text, realignment: realignment, showsJSON: json)
    try loop.run()
    // Somebody at a terminal has seen what failed; a script has not.
    if !Input.isTerminal && loop.failures > 0 { throw ExitCode.failure }
  }
}

/// Answers with a bundle; what a conversation has in common with the one before stays in the KV cache.
private final class BundleChatEngine: ChatEngine {
  private let session: DecodingSession
  private let format: PromptFormat
  var options: GenerationOptions

  init(session: DecodingSession, format: PromptFormat, options: GenerationOptions) {
    self.session = session
    self.format = format
    self.options = options
  }

  var alignedModels: [String] { session.bundle.alignedModels }
  var bundlePath: String { session.bundle.path }
  var hasTemplate: Bool { format.hasTemplate }

  var contextLength: Int { session.contextLength }

  func tokenCount(_ messages: [Message]) throws -> Int { try tokens(messages).count }

  func report(_ generation: Generation, _ realignment: Realignment) -> RunReport {
    RunReport(generation, session: session, realignment: realignment)
  }

  private func tokens(_ messages: [Message]) throws -> [Int32] {
    try format.tokens(messages: messages.map { TemplateMessage(role: $0.role, content: $0.content) })
  }

  func answer(
    _ messages: [Message], _ realignment: Realignment, options: GenerationOptions, onText: (String) throws -> Bool
  ) throws -> Generation {
    let tokens = try tokens(messages)
    return try session.generate(prompt: tokens, realignment: realignment, options: options, onText: onText)
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
