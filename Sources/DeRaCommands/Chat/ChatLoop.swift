import DeRa
import DeRaConsole
import DeRaPlatform
import DeRaText

/// Makes answers for the chat.
package protocol ChatEngine: AnyObject {
  /// Names of the aligned models.
  var alignedModels: [String] { get }
  /// Whether λ may be the prompt's.
  var hasReferencePrompt: Bool { get }
  /// The file the models come from, which nothing may overwrite.
  var bundlePath: String { get }
  /// The settings of answers.
  var options: GenerationOptions { get set }
  /// Whether there is a chat template, the only place for a system prompt.
  var hasTemplate: Bool { get }
  /// Tokens of prompt and answer together.
  var contextLength: Int { get }
  /// Tokens of a conversation as a prompt.
  func tokenCount(_ messages: [Message]) throws -> Int
  /// The figures of an answer that was just given.
  func report(_ generation: Generation, _ realignment: Realignment) -> RunReport
  /// Answers the last message; `onText` returns false to stop.
  func answer(
    _ messages: [Message], _ realignment: Realignment, options: GenerationOptions, onText: (String) throws -> Bool
  ) throws -> Generation
}

/// Where the chat reads and writes.
package protocol ChatConsole: AnyObject {
  func readLine(prompt: String) throws -> ReadLine
  /// The answer to a question; nil when nobody is there to be asked.
  func confirm(_ question: String) throws -> Bool?
  /// Answers.
  func write(_ text: String) throws
  /// Everything that is no answer.
  func note(_ text: String)
}

/// The conversation between a user at a console and a model.
package final class ChatLoop {
  /// Room that an answer gets where the conversation has to be cut for it, as a share of the context.
  static let answerShare = 4
  /// The room that an answer needs at least, in tokens; less in a tiny context.
  static let leastAnswer = 16

  let engine: any ChatEngine
  let console: any ChatConsole
  var systemPrompt: String?
  /// Whether an answer is shown as a line of JSON once it is complete, instead of as it is made.
  let showsJSON: Bool
  package internal(set) var messages: [Message] = []
  package internal(set) var realignment: Realignment
  var lastSeed: UInt64?
  /// Lines that could not be done.
  package private(set) var failures = 0

  package init(
    engine: any ChatEngine, console: any ChatConsole, systemPrompt: String?, realignment: Realignment,
    showsJSON: Bool = false
  ) {
    self.engine = engine
    self.console = console
    self.systemPrompt = systemPrompt
    self.realignment = realignment
    self.showsJSON = showsJSON
    reset()
  }

  /// Reads and answers until the user leaves.
  package func run() throws {
    var wasInterrupted = false
    while true {
      switch try readInput() {
      case .end: return
      case .interrupted:
        if wasInterrupted { return }
        wasInterrupted = true
        console.note("Ctrl-C again, Ctrl-D or /bye leaves.")
      case .line(let line):
        wasInterrupted = false
        do {
          // A quoted message is one, whatever it begins with.
          let input = try quoted(line).map(ChatInput.message) ?? .parse(line, voices)
          if input == .quit { return }
          try perform(input)
        } catch let error as StreamError where error.isOutput {
          throw error
        } catch {
          failures += 1
          console.note(printable(errorText(error)))
        }
      }
    }
  }

  /// A line, or all lines from one that begins with three quotes to one that ends with them.
  private func readInput() throws -> ReadLine {
    let first = try console.readLine(prompt: "λ \(lambdaText) > ")
    guard case .line(var text) = first, text.hasPrefix(ChatInput.quotes), quoted(text) == nil else { return first }
    while quoted(text) == nil {
      switch try console.readLine(prompt: "... ") {
      case .line(let line): text += "\n" + line
      case .interrupted: return .line("")
      case .end:
        failures += 1
        console.note("The message has no closing \(ChatInput.quotes) and is not sent.")
        return .end
      }
    }
    return .line(text)
  }

  /// The text between three quotes; nil when it is not closed or not quoted at all.
  private func quoted(_ text: String) -> String? {
    let mark = ChatInput.quotes
    guard text.hasPrefix(mark), text.hasSuffix(mark), text.count >= 2 * mark.count else { return nil }
    var inner = text.dropFirst(mark.count).dropLast(mark.count)
    if inner.first == "\n" { inner.removeFirst() }
    if inner.last == "\n" { inner.removeLast() }
    return String(inner)
  }

  private var voices: ChatVoices {
    ChatVoices(models: engine.alignedModels, hasReferencePrompt: engine.hasReferencePrompt)
  }
  var lambdaText: String { voices.text(of: realignment) }

  private func perform(_ input: ChatInput) throws {
    switch input {
    case .nothing, .quit: break
    case .message(let text): try answer(text)
    case .lambda(let new):
      realignment = new
      console.note("λ is now \(lambdaText).")
      if engine.hasReferencePrompt, let remark = ReferencePromptArguments.remark(new) { console.note(remark) }
    case .showLambda: console.note("λ is \(lambdaText).")
    case .compare(let points, let text): try compare(points, text)
    case .set(let name, let value): try set(name, value)
    case .system(let text): try changeSystem(text)
    case .undo: try undo()
    case .regenerate: try regenerate()
    case .reset:
      reset()
      console.note("The conversation is empty again.")
    case .help: console.note(ChatInput.helpText)
    case .save(let path): try save(path)
    case .load(let path): try load(path)
    }
  }

  // MARK: Answers

  private func answer(_ text: String) throws {
    let before = messages
    messages.append(Message(role: "user", content: text))
    do {
      guard try makeRoom() else {
        messages = before
        return
      }
      let generation = try stream(messages, realignment, engine.options)
      messages.append(Message(role: "assistant", content: generation.text))
    } catch {
      messages = before
      throw error
    }
  }

  /// Drops the oldest turns where the conversation leaves no room for an answer, if the user agrees.
  /// - Returns: false when the user does not.
  private func makeRoom() throws -> Bool {
    let limit = engine.contextLength
    guard try engine.tokenCount(messages) > limit - min(Self.leastAnswer, limit / 8) else { return true }
    var shorter = messages
    var dropped = 0
    while try engine.tokenCount(shorter) > limit - limit / Self.answerShare {
      guard let start = shorter.firstIndex(where: { $0.role == "user" }), start < shorter.count - 1 else { break }
      let next = shorter[(start + 1)...].firstIndex { $0.role == "user" } ?? shorter.count - 1
      shorter.removeSubrange(start..<next)
      dropped += 1
    }
    // One message alone is too long: the engine says so.
    guard dropped > 0 else { return true }
    let turns = dropped == 1 ? "the oldest turn" : "the \(dropped) oldest turns"
    let question = "The context of \(limit) tokens is full. Forget \(turns) and go on?"
    guard try console.confirm(question) ?? true else {
      console.note("Nothing was sent. /undo, /reset or a larger --context makes room.")
      return false
    }
    messages = shorter
    console.note("The context of \(limit) tokens is full: \(turns) \(dropped == 1 ? "is" : "are") forgotten.")
    return true
  }

  /// Answers `text` alone, after the system prompt; without a text the last message again, in its place.
  private func compare(_ points: [Realignment], _ text: String) throws {
    var asked = text.isEmpty ? messages : start
    if text.isEmpty {
      while let last = asked.last, last.role != "user" { asked.removeLast() }
      guard asked.last != nil else { throw ChatInputError(description: "there is no message yet to compare with") }
    } else {
      asked.append(Message(role: "user", content: text))
    }
    for point in points {
      // With the answers, so that they can be told apart where they go to a file.
      try console.write("── λ \(voices.text(of: point))\n")
      if try stream(asked, point, engine.options).finishReason == .cancelled { return }
    }
  }

  private func regenerate() throws {
    guard messages.last?.role == "assistant" else {
      throw ChatInputError(description: "there is no answer yet to make again")
    }
    let before = messages
    messages.removeLast()
    var options = engine.options
    if options.sampling.seed != nil, options.sampling.temperature > 0 {
      // The same seed would give the same answer.
      options.sampling.seed = lastSeed.map { $0 &+ 1 }
    }
    do {
      let generation = try stream(messages, realignment, options)
      messages.append(Message(role: "assistant", content: generation.text))
    } catch {
      messages = before
      throw error
    }
  }

  private func stream(
    _ messages: [Message], _ realignment: Realignment, _ options: GenerationOptions
  ) throws -> Generation {
    let generation = try Interrupt.during {
      try engine.answer(messages, realignment, options: options) { text in
        if !showsJSON { try console.write(text) }
        return !Interrupt.isRequested
      }
    }
    if showsJSON {
      try console.write(jsonText(engine.report(generation, realignment), pretty: false))
    } else if !generation.text.isEmpty {
      try console.write("\n")
    }
    console.note(generation.summary)
    if let remark = generation.remark(lambda: voices.text(of: realignment)) {
      console.note(remark)
    }
    lastSeed = generation.seed
    return generation
  }
}

extension Generation {
  /// `[34 tokens, 80.1 tok/s]`, and why the answer ended where that is not plain.
  package var summary: String {
    let reason =
      switch finishReason {
      case .stop: ""
      case .length: "; stopped at --max-tokens"
      case .context: "; the context is full: the next message will drop the oldest turns"
      case .cancelled: "; stopped"
      }
    // A server that was left does not tell.
    if finishReason == .cancelled && answerTokens == 0 { return "[stopped]" }
    return "[\(answerTokens) tokens, \(fixed(decodeRate, 1)) tok/s\(reason)]"
  }

  /// The explanation of an answer in which nothing can be seen; nil for others.
  func remark(lambda: String) -> String? {
    guard text.allSatisfy(\.isWhitespace), finishReason == .stop else { return nil }
    return "The answer ended at once, at λ = \(lambda): the model has nothing to say to this prompt, or λ is too far "
      + "from 0 to 1."
  }
}
