import DeRa
import DeRaCommands
import DeRaTestSupport
import FoundationEssentials
import Testing

/// Answers with what it was asked, in two pieces.
private final class Echo: ChatEngine {
  let alignedModels = ["brief", "happy"]
  let bundlePath = "model.dera"
  var asked: [(messages: [Message], lambdas: [Float])] = []
  var failure: GenerationError?

  func answer(
    _ messages: [Message], _ realignment: Realignment, onText: (String) throws -> Bool
  ) throws -> Generation {
    if let failure { throw failure }
    asked.append((messages, realignment.lambdas))
    var generation = Generation()
    generation.text = "re: \(messages.last?.content ?? "")"
    generation.seed = 42
    for piece in [generation.text.prefix(3), generation.text.dropFirst(3)] { _ = try onText(String(piece)) }
    return generation
  }
}

/// Plays lines and records what is shown.
private final class Script: ChatConsole {
  private var lines: [ReadLine]
  private(set) var prompts: [String] = []
  private(set) var shown = ""
  private(set) var notes: [String] = []

  init(_ lines: [String]) { self.lines = lines.map { $0 == "^C" ? .interrupted : .line($0) } }

  func readLine(prompt: String) -> ReadLine {
    prompts.append(prompt)
    return lines.isEmpty ? .end : lines.removeFirst()
  }
  func write(_ text: String) { shown += text }
  func note(_ text: String) { notes.append(text) }
  var unread: Int { lines.count }
}

@Suite struct ChatTests {
  private func chat(_ engine: Echo, _ lines: [String], system: String? = nil) throws -> (ChatLoop, Script) {
    let script = Script(lines)
    let loop = ChatLoop(
      engine: engine, console: script, systemPrompt: system, realignment: Realignment(1, models: 2))
    try loop.run()
    return (loop, script)
  }

  @Test func turnsBuildTheConversation() throws {
    let engine = Echo()
    let (loop, script) = try chat(engine, ["hi", "", "  ", "you?"], system: "Be kind.")
    #expect(script.shown == "re: hi\nre: you?\n")
    #expect(engine.asked.map(\.messages.count) == [2, 4])
    #expect(loop.messages.map(\.role) == ["system", "user", "assistant", "user", "assistant"])
    #expect(loop.messages.last == Message(role: "assistant", content: "re: you?"))
  }

  @Test func lambdaTakesEffectAtOnce() throws {
    let engine = Echo()
    let (_, script) = try chat(engine, ["a", "/lambda happy=0.7", "b", "/lambda -1", "c", "/lambda x", "d"])
    #expect(engine.asked.map(\.lambdas) == [[1, 0], [0, 0.7], [-1, 0], [-1, 0]])
    #expect(script.prompts[1] == "λ brief=1,happy=0 > ")
    #expect(script.prompts[2] == "λ brief=0,happy=0.7 > ")
    #expect(script.notes.contains("λ must be a finite number, not 'x'"))
  }

  @Test func compareLeavesTheConversationAlone() throws {
    let engine = Echo()
    let (loop, script) = try chat(engine, ["a", "/compare 0 0.5,1 Tell me  more ", "/compare 2", "/compare what"])
    #expect(engine.asked.map(\.lambdas) == [[1, 0], [0, 0], [0.5, 1], [2, 0]])
    #expect(engine.asked[1].messages.last?.content == "Tell me  more")
    #expect(engine.asked[3].messages == [Message(role: "user", content: "a")])
    #expect(loop.messages.count == 2)
    #expect(script.notes.filter { $0.hasPrefix("── λ ") }.count == 3)
    #expect(script.notes.last?.hasPrefix("/compare needs λ values first") == true)
  }

  @Test func compareWithoutAMessageIsRefused() throws {
    let (_, script) = try chat(Echo(), ["/compare 0 1"], system: "s")
    #expect(script.notes == ["there is no message yet to compare with"])
  }

  @Test func resetKeepsTheSystemPrompt() throws {
    let (loop, _) = try chat(Echo(), ["a", "/reset"], system: "Be kind.")
    #expect(loop.messages == [Message(role: "system", content: "Be kind.")])
  }

  @Test func quittingAndInterrupting() throws {
    #expect(try chat(Echo(), ["/quit", "a"]).1.unread == 1)
    #expect(try chat(Echo(), ["^C", "^C", "a"]).1.unread == 1)
    #expect(try chat(Echo(), ["^C", "a", "^C", "b"]).1.unread == 0)
  }

  @Test func unknownCommandsAndSlashes() throws {
    let engine = Echo()
    let (_, script) = try chat(engine, ["/nope", "//nope", "/save"])
    #expect(script.notes.first?.hasPrefix("there is no command /nope") == true)
    #expect(engine.asked.first?.messages.last?.content == "/nope")
    #expect(script.notes.last == "/save needs a file name")
  }

  @Test func aFailedAnswerIsNotPartOfTheConversation() throws {
    let engine = Echo()
    engine.failure = .promptTooLong(tokens: 9, contextLength: 8)
    let (loop, script) = try chat(engine, ["a"])
    #expect(loop.messages.isEmpty)
    #expect(script.notes.first?.contains("9 tokens") == true)
  }

  @Test(arguments: ["json", "json.lz4"]) func savedConversationsLoad(suffix: String) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("chat.\(suffix)")
    let (saved, _) = try chat(Echo(), ["/lambda 0.25,2", "hé \"x\"", "/save \(path)"], system: "s")
    let file = try Conversation.load(from: path)
    #expect(file.messages == saved.messages && file.seed == 42)
    #expect(try Data(contentsOf: URL(filePath: path)).first == (suffix == "json" ? UInt8(ascii: "{") : 0x04))
    #expect(file.lambda == ["brief": 0.25, "happy": 2])
    let (loaded, _) = try chat(Echo(), ["/load \(path)"])
    #expect(loaded.messages == saved.messages)
    #expect(loaded.realignment == saved.realignment)
  }

  @Test(arguments: [
    ("", "not valid JSON"), ("[]", "expected"), ("{\"version\":1,\"lambda\":{}}", "'messages' is missing"),
    ("{\"version\":9,\"lambda\":{},\"messages\":[]}", "version 9"),
    ("{\"version\":1,\"lambda\":{},\"messages\":[{\"role\":\"x\",\"content\":\"\"}]}", "role 'x'"),
    ("{\"version\":1,\"lambda\":{\"sad\":1},\"messages\":[]}", "no aligned model 'sad'"),
  ]) func damagedConversationsAreRefused(text: String, message: String) throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("bad.json", text)
    let (loop, script) = try chat(Echo(), ["/load \(path)"])
    #expect(script.notes.first?.contains(message) == true, "\(script.notes)")
    #expect(loop.messages.isEmpty)
  }
}
