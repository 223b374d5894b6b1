import DeRa
import Testing

/// A model of 27 tokens that always continues the alphabet: after letter n comes n + 1, after z (25) the end (26).
private final class Alphabet: TokenSequence, TokenBatch {
  private(set) var tokens: [Int32] = []
  var reference: Alphabet? { nil }
  let contextLength: Int
  private(set) var appended = 0
  /// Length at which a prompt's computation is cancelled.
  var cancelledAt: Int?
  private var values = [Float](repeating: 0, count: 27)

  init(contextLength: Int = 100) { self.contextLength = contextLength }

  func append(_ new: some Collection<Int32>) throws {
    #expect(tokens.count + new.count <= contextLength)
    tokens += new
    appended += new.count
  }

  func truncate(to count: Int) { tokens = Array(tokens.prefix(count)) }

  var sequences: [Alphabet] { [self] }
  var blend: Blend { .logits }
  func checkUnchanged() {}
  func continues(_ realignment: Realignment) -> Bool { true }

  func score(
    _ realignment: Realignment, _ body: (Int, UnsafeBufferPointer<Float>) throws -> Void
  ) throws -> Int { tokens.count }

  func logits(
    _ realignments: [Realignment?], of model: Int?, _ body: (Int, UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    guard realignments[0] != nil else { return }
    if tokens.count == cancelledAt { throw SessionError.cancelled }
    let next = min((tokens.last ?? 0) + 1, 26)
    for index in values.indices { values[index] = index == Int(next) ? 5 : 0 }
    try values.withUnsafeMutableBufferPointer { try body(0, $0) }
  }
}

/// Letters; the letter e comes as the two bytes of é, one token late.
private struct Letters: TokenTextDecoder {
  private var held = ""

  mutating func append(_ id: Int32) -> String {
    let letter = String(UnicodeScalar(UInt8(97 + id)))
    defer { held = letter == "e" ? "é" : "" }
    return held + (letter == "e" ? "" : letter)
  }

  mutating func finish() -> String {
    defer { held = "" }
    return held
  }
}

@Suite struct GenerationTests {
  private func options(_ change: (inout GenerationOptions) -> Void = { _ in }) -> GenerationOptions {
    var options = GenerationOptions()
    options.sampling.temperature = 0
    change(&options)
    return options
  }

  private func generate(
    _ sequence: Alphabet, _ prompt: [Int32], _ options: GenerationOptions, onText: (String) -> Bool = { _ in true }
  ) throws -> Generation {
    try sequence.generate(
      prompt: prompt, decoder: Letters(), endOfText: [26], realignment: Realignment(0, models: 1), options: options,
      onText: onText)
  }

  @Test func aCancelledPromptEndsTheAnswer() throws {
    let sequence = Alphabet()
    sequence.cancelledAt = 3
    let generation = try generate(sequence, [0, 1, 2], options())
    #expect(generation.finishReason == .cancelled)
    #expect(generation.text.isEmpty)
    #expect(generation.answerTokens == 0)
  }

  @Test func endsAtTheEndOfText() throws {
    let sequence = Alphabet()
    var shown = ""
    let result = try generate(sequence, [20, 21], options()) { text in
      shown += text
      return true
    }
    #expect(result.text == "wxyz" && shown == "wxyz")
    #expect(result.finishReason == .stop)
    #expect(result.promptTokens == 2 && result.answerTokens == 5)
    #expect(sequence.tokens == [20, 21, 22, 23, 24, 25])
  }

  @Test func endsAtTheTokenLimit() throws {
    let result = try generate(Alphabet(), [0], options { $0.maxTokens = 3 })
    #expect(result.text == "bcd" && result.finishReason == .length && result.answerTokens == 3)
    let none = try generate(Alphabet(), [0], options { $0.maxTokens = 0 })
    #expect(none.text == "" && none.finishReason == .length && none.answerTokens == 0)
  }

  @Test func showsAHeldCharacterWhenTheLimitFalls() throws {
    let result = try generate(Alphabet(), [0], options { $0.maxTokens = 4 })
    #expect(result.text == "bcdé")
  }

  @Test func endsWhenTheContextIsFull() throws {
    let sequence = Alphabet(contextLength: 5)
    let result = try generate(sequence, [0, 1, 2], options())
    #expect(result.text == "dég" || result.text == "déf")
    #expect(result.finishReason == .context)
    #expect(sequence.tokens.count == 5)
  }

  @Test func aPromptThatFillsTheContextStillGetsOneToken() throws {
    let result = try generate(Alphabet(contextLength: 3), [0, 1, 2], options())
    #expect(result.text == "d" && result.finishReason == .context && result.answerTokens == 1)
  }

  @Test func endsBeforeAStopString() throws {
    var shown: [String] = []
    let result = try generate(Alphabet(), [0], options { $0.stopStrings = ["égg", "ghi"] }) { text in
      shown.append(text)
      return true
    }
    #expect(result.text == "bcdéf" && result.finishReason == .stop)
    #expect(shown.joined() == "bcdéf")
    #expect(result.answerTokens == 8)
  }

  @Test func endsWhenTheCallerSaysSo() throws {
    var calls = 0
    let result = try generate(Alphabet(), [0], options()) { _ in
      calls += 1
      return calls < 3
    }
    #expect(result.text == "bcd" && result.finishReason == .cancelled && calls == 3)
  }

  @Test func keepsTheCommonBeginningOfThePrompt() throws {
    let sequence = Alphabet()
    _ = try generate(sequence, [0, 1, 2], options { $0.maxTokens = 2 })
    let before = sequence.appended
    let result = try generate(sequence, [0, 1, 2, 9], options { $0.maxTokens = 0 })
    #expect(result.reusedTokens == 3)
    #expect(sequence.appended - before == 1)
    #expect(sequence.tokens == [0, 1, 2, 9])
  }

  @Test func refusesWhatCannotStart() {
    #expect(throws: GenerationError.emptyPrompt) { try generate(Alphabet(), [], options()) }
    #expect(throws: GenerationError.promptTooLong(tokens: 4, contextLength: 3)) {
      try generate(Alphabet(contextLength: 3), [0, 1, 2, 3], options())
    }
    #expect(throws: GenerationError.self) { try generate(Alphabet(), [0], options { $0.stopStrings = [""] }) }
    #expect(throws: GenerationError.self) { try generate(Alphabet(), [0], options { $0.maxTokens = -1 }) }
    #expect(throws: SamplingError.self) { try generate(Alphabet(), [0], options { $0.sampling.topP = 2 }) }
  }

  @Test func reportsTheSeedThatRepeatsTheAnswer() throws {
    var free = options()
    free.sampling.temperature = 5
    free.maxTokens = 12
    let first = try generate(Alphabet(), [0], free)
    free.sampling.seed = first.seed
    let second = try generate(Alphabet(), [0], free)
    #expect(second.text == first.text)
  }
}
