import DeRa
import DeRaCommands
import DeRaTestSupport
import FoundationEssentials
import Testing

/// Answers with what it was asked, in two pieces.
private final class Echo: ChatEngine {
  let alignedModels = ["brief", "happy"]
  let bundlePath = "model.dera"
  var hasReferencePrompt = false
  var options = GenerationOptions()
  var contextLength = 1000
  var hasTemplate = true
  var asked: [(messages: [Message], lambdas: [Float])] = []
  var prompts: [Float] = []
  var seeds: [UInt64?] = []
  var failure: GenerationError?
  var text: String?

  func report(_ generation: Generation, _ realignment: Realignment) -> RunReport {
    RunReport(
      generation, models: alignedModels, realignment: realignment, blend: .logits, contextLength: contextLength,
      peakMemoryBytes: nil)
  }

  /// A token a character.
  func tokenCount(_ messages: [Message]) -> Int { messages.reduce(0) { $0 + $1.content.count } }

  func answer(
    _ messages: [Message], _ realignment: Realignment, options: GenerationOptions, onText: (String) throws -> Bool
  ) throws -> Generation {
    if let failure { throw failure }
    asked.append((messages, realignment.lambdas))
    prompts.append(realignment.prompt)
    seeds.append(options.sampling.seed)
    var generation = Generation()
    generation.text = text ?? "re: \(messages.last?.content ?? "")"
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
  private(set) var questions: [String] = []
  var reply: Bool?

  init(_ lines: [String], reply: Bool? = nil) {
    self.lines = lines.map { $0 == "^C" ? .interrupted : .line($0) }
    self.reply = reply
  }

  func readLine(prompt: String) -> ReadLine {
    prompts.append(prompt)
    return lines.isEmpty ? .end : lines.removeFirst()
  }
  func confirm(_ question: String) -> Bool? {
    questions.append(question)
    return reply
  }
  func write(_ text: String) { shown += text }
  func note(_ text: String) { notes.append(text) }
  var unread: Int { lines.count }
}

@Suite struct ChatTests {
  private func chat(
    _ engine: Echo, _ lines: [String], system: String? = nil, reply: Bool? = nil, json: Bool = false
  ) throws -> (ChatLoop, Script) {
    let script = Script(lines, reply: reply)
    let loop = ChatLoop(
      engine: engine, console: script, systemPrompt: system, realignment: Realignment(1, models: 2), showsJSON: json)
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

  @Test func lambdaOfThePromptIsNamed() throws {
    let folder = try TemporaryDirectory()
    let path = "\(folder.path)/saved.json"
    let engine = Echo()
    engine.hasReferencePrompt = true
    let (_, script) = try chat(
      engine,
      [
        "/lambda prompt=1.5", "a", "/lambda 0.5,0,3", "b", "/compare prompt=2 1 c", "/save \(path)", "/lambda 0",
        "/load \(path)", "d",
      ])
    #expect(engine.prompts == [1.5, 3, 2, 1, 3])
    #expect(engine.asked.map(\.lambdas) == [[0, 0], [0.5, 0], [0, 0], [1, 0], [0.5, 0]])
    #expect(
      script.prompts[0] == "λ brief=1,happy=0,prompt=1 > " && script.prompts[1] == "λ brief=0,happy=0,prompt=1.5 > ")
    #expect(script.shown.contains("── λ brief=0,happy=0,prompt=2\nre: c"))
    #expect(script.notes.contains { $0.contains("above 2") })
    let (_, plain) = try chat(Echo(), ["/lambda prompt=1.5", "/load \(path)"])
    #expect(plain.notes[0].contains("no aligned model 'prompt'"))
    #expect(plain.notes[1].contains("--reference-system"))
  }

  @Test func aReferenceConversationDiffersInItsBeginning() {
    let turns = [
      Message(role: "user", content: "a"), Message(role: "assistant", content: "b"),
      Message(role: "user", content: "c"),
    ]
    let messages = [Message(role: "system", content: "s")] + turns
    #expect(ReferenceConversation.system(nil).conversation(messages) == turns)
    #expect(
      ReferenceConversation.system("t").conversation(turns) == [Message(role: "system", content: "t")] + turns)
    #expect(ReferenceConversation.firstMessage("x").conversation(messages).map(\.content) == ["s", "x", "b", "c"])
  }

  @Test func compareLeavesTheConversationAlone() throws {
    let engine = Echo()
    let (loop, script) = try chat(engine, ["a", "/compare 0 0.5,1 Tell me  more ", "/compare 2", "/compare what"])
    #expect(engine.asked.map(\.lambdas) == [[1, 0], [0, 0], [0.5, 1], [2, 0]])
    #expect(engine.asked[1].messages == [Message(role: "user", content: "Tell me  more")])
    #expect(engine.asked[3].messages == [Message(role: "user", content: "a")])
    #expect(loop.messages.count == 2)
    #expect(
      script.shown == """
        re: a
        ── λ brief=0,happy=0
        re: Tell me  more
        ── λ brief=0.5,happy=1
        re: Tell me  more
        ── λ brief=2,happy=0
        re: a

        """, "the headings are where the answers are")
    #expect(script.notes.last?.hasPrefix("/compare needs λ values first") == true)
  }

  /// A text is asked by itself, after the system prompt; the last message again is asked in its place.
  @Test func compareIsApartFromTheConversation() throws {
    let engine = Echo()
    let (loop, _) = try chat(engine, ["a", "b", "/compare 0:1:0.5 c", "/compare 2 2"], system: "s")
    #expect(engine.asked[2...].map(\.lambdas) == [[0, 0], [0.5, 0], [1, 0], [2, 0]])
    #expect(engine.asked[2].messages.map(\.content) == ["s", "c"])
    #expect(engine.asked[5].messages.map(\.content) == ["s", "a", "re: a", "b"])
    #expect(loop.messages.count == 5)
  }

  /// A word that is meant as λ is never taken for the text.
  @Test(
    arguments: [
      ("0 hapy=1 Once", "no aligned model 'hapy'"), ("0 0.5,x Once", "not 'x'"), ("1;; Once", "not ''"),
      ("0 0:2 Once", "'0:2' is not a range"), ("0 1,2,3 Once", "more λ than the bundle has aligned models"),
      ("brief=x Once", "not 'x'"), ("0, 1 Once", "not ''"), ("0 3:15 is the time", "'3:15' is not a range"),
    ]) func compareRefusesBadPoints(line: String, message: String) throws
  {
    let engine = Echo()
    let (_, script) = try chat(engine, ["/compare \(line)"])
    #expect(engine.asked.isEmpty)
    #expect(script.notes.first?.contains(message) == true, "\(script.notes)")
    #expect(script.notes.first?.contains("/compare 0 1 -- ") == true)
  }

  @Test(
    arguments: [
      ("0 1 -- 2 and 2 is", "2 and 2 is"), ("0 Infinity is", "Infinity is"), ("0 -- -- x", "-- x"),
      ("0 1st of May", "1st of May"), ("0 e=mc2", "e=mc2"), ("0 nan bread", "nan bread"),
    ]) func compareTakesTheTextAsItIs(line: String, text: String) throws
  {
    let engine = Echo()
    _ = try chat(engine, ["/compare \(line)"])
    #expect(engine.asked.last?.messages.last?.content == text)
  }

  @Test func aBundleWithoutTemplateTakesNoSystemPrompt() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("chat.json")
    _ = try chat(Echo(), ["hi", "/save \(path)"], system: "s")
    let engine = Echo()
    engine.hasTemplate = false
    let (loop, script) = try chat(engine, ["/system s", "/load \(path)", "/system", "/system \"\""])
    #expect(script.notes.first?.contains("no chat template") == true)
    #expect(loop.messages.map(\.role) == ["user", "assistant"])
    #expect(script.notes.contains { $0.hasPrefix("Its system prompt is left out") })
    #expect(script.notes.suffix(2) == ["There is no system prompt.", "There is no system prompt."])
  }

  @Test func settingsAreChangedAndShown() throws {
    let engine = Echo()
    let (_, script) = try chat(
      engine,
      [
        "/set temperature 0.25", "/set seed 7", "/set top-k x", "/set nope 1", "/set temperature -1",
        "/set seed random",
        "/set max-tokens 9", "/set",
      ])
    #expect(engine.options.sampling.temperature == 0.25 && engine.options.maxTokens == 9)
    #expect(engine.options.sampling.seed == nil)
    #expect(script.notes[0] == "temperature is 0.25" && script.notes[1] == "seed is 7")
    #expect(script.notes[2] == "top-k takes a whole number, not 'x'; it is 40")
    #expect(script.notes[3].hasPrefix("there is no setting nope; there are temperature"))
    #expect(script.notes[4].contains("temperature"))
    #expect(script.notes.last?.split(separator: "\n").count == 10)
  }

  @Test(arguments: ["off", "none", "0", "-1", "1.5"]) func maxTokensNamesWhatItTakes(value: String) throws {
    let (_, script) = try chat(Echo(), ["/set max-tokens \(value)"])
    #expect(script.notes == ["max-tokens takes a whole number or unlimited, not '\(value)'; it is unlimited"])
  }

  @Test func theSystemPromptCanChange() throws {
    let (loop, script) = try chat(Echo(), ["a", "/system Be brief.", "/system", "/system \"\""], system: "s")
    #expect(loop.messages.map(\.role) == ["user", "assistant"])
    #expect(
      script.notes[1...] == [
        "The system prompt is: Be brief.", "The system prompt is: Be brief.", "There is no system prompt.",
      ])
  }

  @Test func turnsAreUndoneAndMadeAgain() throws {
    let engine = Echo()
    engine.options.sampling.seed = 5
    let (loop, script) = try chat(engine, ["/regenerate", "/undo", "a", "b", "/regenerate", "/undo", "/undo", "/undo"])
    #expect(engine.asked.map(\.messages.last?.content) == ["a", "b", "b"])
    #expect(engine.seeds == [5, 5, 43], "the same seed would give the same answer")
    #expect(loop.messages.isEmpty)
    #expect(script.notes.prefix(2) == ["there is no answer yet to make again", "there is no message to forget"])
    #expect(script.notes.filter { $0.hasPrefix("Forgotten: ") } == ["Forgotten: b", "Forgotten: a"])
  }

  @Test func quotedMessagesHaveSeveralLines() throws {
    let engine = Echo()
    let (_, script) = try chat(
      engine, ["\"\"\"", "/one", "two", "\"\"\"", "\"\"\"x\"\"\"", "\"\"\"lost", "^C", "\"\"\"never closed"])
    #expect(engine.asked.map(\.messages.last?.content) == ["/one\ntwo", "x"])
    #expect(script.prompts.contains("... "))
    #expect(script.notes.last?.contains("no closing") == true)
  }

  @Test(arguments: [true, false, nil]) func aFullContextForgetsTheOldestTurns(reply: Bool?) throws {
    let engine = Echo()
    engine.contextLength = 40
    let (loop, script) = try chat(engine, ["12345678", "abcdefgh", "ABCDEFGHIJ"], system: "s", reply: reply)
    #expect(script.questions.count == 1 && script.questions[0].contains("40 tokens"))
    if reply == false {
      #expect(loop.messages.map(\.content) == ["s", "12345678", "re: 12345678", "abcdefgh", "re: abcdefgh"])
      #expect(script.notes.contains { $0.hasPrefix("Nothing was sent.") })
    } else {
      #expect(engine.asked.last?.messages.map(\.content) == ["s", "ABCDEFGHIJ"])
      #expect(script.notes.contains { $0.hasSuffix("the 2 oldest turns are forgotten.") })
    }
  }

  @Test func answersAreLinesOfJSONOnRequest() throws {
    let (_, script) = try chat(Echo(), ["a", "/lambda 0.5,0"], json: true)
    let lines = script.shown.split(separator: "\n")
    #expect(lines.count == 1)
    let report = try JSONDecoder().decode([String: JSONText].self, from: Data(lines[0].utf8))
    #expect(report["text"] == JSONText(text: "re: a"))
    #expect(report["finish_reason"] == JSONText(text: "stop"))
  }

  @Test func anEmptyAnswerIsExplained() throws {
    let engine = Echo()
    engine.text = ""
    let (_, script) = try chat(engine, ["/lambda 4", "a"])
    #expect(script.shown.isEmpty)
    #expect(script.notes.last?.hasPrefix("The answer ended at once, at λ = brief=4,happy=0") == true)
  }

  @Test(arguments: [true, false, nil]) func filesAreNotReplacedUnasked(reply: Bool?) throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("chat.json", "mine")
    let (_, script) = try chat(Echo(), ["a", "/save \(path)"], reply: reply)
    #expect(script.questions == ["\(path) exists. Replace it?"])
    #expect((try directory.text("chat.json") == "mine") == (reply != true))
    if reply == nil { #expect(script.notes.last?.contains("choose another name") == true) }
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
    #expect(try chat(Echo(), ["/bye", "a"]).1.unread == 1)
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
    #expect(script.notes.first?.hasSuffix("9 tokens but the context holds 8; shorten it or raise --context") == true)
  }

  @Test(arguments: ["json", "json.lz4"]) func savedConversationsLoad(suffix: String) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("chat.\(suffix)")
    let (saved, _) = try chat(Echo(), ["/lambda 0.25,2", "hé \"x\"", "/save \(path)"], system: "s")
    let file = try Conversation.load(from: path)
    #expect(file.messages == saved.messages && file.seed == 42)
    #expect(try Data(contentsOf: URL(filePath: path)).first == (suffix == "json" ? UInt8(ascii: "{") : 0x04))
    #expect(file.lambda == ["brief": 0.25, "happy": 2])
    let (loaded, script) = try chat(Echo(), ["/load \(path)"])
    #expect(loaded.messages == saved.messages)
    #expect(loaded.realignment == saved.realignment)
    #expect(script.notes.prefix(3) == ["system: s", "> hé \"x\"", "re: hé \"x\""])
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

/// A value of JSON if it is a text.
private struct JSONText: Decodable, Equatable {
  var text: String?

  init(text: String) { self.text = text }

  init(from decoder: any Decoder) throws { text = try? decoder.singleValueContainer().decode(String.self) }
}
