import DeRa
import DeRaConsole
import DeRaEvaluation
import DeRaPlatform
import DeRaText

/// Makes answers for the chat.
package protocol ChatEngine: AnyObject {
  /// Names of the aligned models.
  var alignedModels: [String] { get }
  /// The file the models come from, which nothing may overwrite.
  var bundlePath: String { get }
  /// Answers the last message; `onText` returns false to stop.
  func answer(_ messages: [Message], _ realignment: Realignment, onText: (String) throws -> Bool) throws -> Generation
}

/// Where the chat reads and writes.
package protocol ChatConsole: AnyObject {
  func readLine(prompt: String) throws -> ReadLine
  /// Answers.
  func write(_ text: String) throws
  /// Everything that is no answer.
  func note(_ text: String)
}

/// The conversation between a user at a console and a model.
package final class ChatLoop {
  private let engine: any ChatEngine
  private let console: any ChatConsole
  private let systemPrompt: String?
  package private(set) var messages: [Message] = []
  package private(set) var realignment: Realignment
  private var lastSeed: UInt64?

  package init(engine: any ChatEngine, console: any ChatConsole, systemPrompt: String?, realignment: Realignment) {
    self.engine = engine
    self.console = console
    self.systemPrompt = systemPrompt
    self.realignment = realignment
    reset()
  }

  /// Reads and answers until the user leaves.
  package func run() throws {
    var wasInterrupted = false
    while true {
      switch try console.readLine(prompt: "λ \(lambdaText) > ") {
      case .end: return
      case .interrupted:
        if wasInterrupted { return }
        wasInterrupted = true
        console.note("Ctrl-C again, Ctrl-D or /quit leaves.")
      case .line(let line):
        wasInterrupted = false
        do {
          let input = try ChatInput.parse(line, models: engine.alignedModels)
          if input == .quit { return }
          try perform(input)
        } catch let error as StreamError where error.isOutput {
          throw error
        } catch {
          console.note("\(error)")
        }
      }
    }
  }

  private var lambdaText: String { realignment.description(models: engine.alignedModels) }

  private func perform(_ input: ChatInput) throws {
    switch input {
    case .nothing, .quit: break
    case .message(let text): try answer(text)
    case .lambda(let new):
      realignment = new
      console.note("λ is now \(lambdaText).")
    case .showLambda: console.note("λ is \(lambdaText).")
    case .compare(let points, let text): try compare(points, text)
    case .reset:
      reset()
      console.note("The conversation is empty again.")
    case .help: console.note(ChatInput.helpText)
    case .save(let path):
      guard !FileIdentity.isSame(path, engine.bundlePath) else { throw OutputError.isBundle(path) }
      try saved.save(to: path)
      console.note("Saved \(messages.count) messages to \(path).")
    case .load(let path): try load(path)
    }
  }

  private func answer(_ text: String) throws {
    messages.append(Message(role: "user", content: text))
    do {
      let generation = try stream(messages, realignment)
      messages.append(Message(role: "assistant", content: generation.text))
    } catch {
      messages.removeLast()
      throw error
    }
  }

  private func compare(_ points: [Realignment], _ text: String) throws {
    var asked = messages
    if text.isEmpty {
      while let last = asked.last, last.role != "user" { asked.removeLast() }
      guard asked.last != nil else { throw ChatInputError(description: "there is no message yet to compare with") }
    } else {
      asked.append(Message(role: "user", content: text))
    }
    for point in points {
      console.note("── λ \(point.description(models: engine.alignedModels))")
      if try stream(asked, point).finishReason == .cancelled { return }
    }
  }

  private func stream(_ messages: [Message], _ realignment: Realignment) throws -> Generation {
    let generation = try Interrupt.during {
      try engine.answer(messages, realignment) { text in
        try console.write(text)
        return !Interrupt.isRequested
      }
    }
    try console.write("\n")
    console.note(generation.summary)
    lastSeed = generation.seed
    return generation
  }

  private func reset() {
    messages = systemPrompt.map { [Message(role: "system", content: $0)] } ?? []
  }

  private var saved: Conversation {
    let lambda = Dictionary(zip(engine.alignedModels, realignment.lambdas), uniquingKeysWith: { first, _ in first })
    return Conversation(messages: messages, lambda: lambda, seed: lastSeed)
  }

  private func load(_ path: String) throws {
    let loaded = try Conversation.load(from: path)
    let models = engine.alignedModels
    if let unknown = loaded.lambda.keys.sorted().first(where: { !models.contains($0) }) {
      throw RealignmentError.unknownModel(unknown, models: models)
    }
    messages = loaded.messages
    realignment = Realignment(lambdas: models.map { loaded.lambda[$0] ?? 0 })
    console.note("Loaded \(messages.count) messages; λ is \(lambdaText).")
  }
}

extension Generation {
  /// `[34 tokens, 80.1 tok/s]`, and why the answer ended where that is not plain.
  package var summary: String {
    let reason =
      switch finishReason {
      case .stop: ""
      case .length: "; stopped at --max-tokens"
      case .context: "; the context is full: /reset, or start with a larger --context"
      case .cancelled: "; stopped"
      }
    return "[\(answerTokens) tokens, \(fixed(decodeRate, 1)) tok/s\(reason)]"
  }
}
