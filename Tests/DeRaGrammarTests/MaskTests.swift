import DeRaGrammar
import DeRaJSON
import DeRaTestSupport
import Testing

@Suite struct MaskTests {
  /// Bytes, pieces of JSON, words, parts of characters, and plain texts of every length around the counted ones.
  private static let pieces: [[UInt8]] = {
    var random = SeededGenerator(seed: 3)
    var pieces = (0..<256).map { [UInt8($0)] }
    let texts = [
      "{\"", "\":", "\": ", "\",\"", "\"}", "}", "]}", "],", "[[", "]]", "true", "false", "null", "tr", "ue", "12",
      "0.5", "1e", "-",
      "\\n", "\\u00", "\\\"", "\\", "name", "nam", "e\":", "ab", "abc", "日本", "語\"", "é", "😀", " ", "  ", "\n", ", ",
      "a\"b",
    ]
    pieces += texts.map { Array($0.utf8) }
    pieces += [[0xe6, 0x97], [0x97, 0xa5], [0xf0, 0x9f], [0xf0, 0x9f, 0x98], [0xc3], [0xa9, 0x22]]
    for length in [2, 3, 4, 5, 8, 23, 24, 25, 26, 40] {
      for _ in 0..<4 { pieces.append((0..<length).map { _ in UInt8.random(in: 0x61...0x66, using: &random) }) }
      pieces.append(Array(String(repeating: "é", count: length).utf8))
    }
    pieces.append([])
    return pieces
  }()
  private static let vocabulary = GrammarVocabulary(size: pieces.count) { pieces[Int($0)] }

  /// The mask says of every token what feeding its bytes says.
  @Test(arguments: [
    #"{"type":"object"}"#, #"{"type":"array","items":{"type":"integer","minimum":3,"maximum":1200},"maxItems":4}"#,
    #"{"type":"string","maxLength":30}"#, #"{"type":"string","minLength":3,"maxLength":6}"#,
    #"{"type":"string","minLength":40}"#,
    #"{"type":"string","pattern":"^[a-c]{2,30}é?$"}"#, #"{"type":"string","pattern":"a.*b"}"#,
    #"{"properties":{"name":{"enum":["abc","ab",1]},"ab":{"type":"number"}},"required":["name"],"type":"object"}"#,
    "true",
  ])
  func masksEqualTrials(schema: String) throws {
    let grammar = try Grammar.schema(schema)
    var random = SeededGenerator(seed: 11)
    for _ in 0..<2 {
      let state = try GrammarState(grammar, vocabulary: Self.vocabulary)
      var text: [UInt8] = []
      for _ in 0..<14 where !state.isFinished {
        let allowed = try Self.allowed(state)
        #expect(allowed == (try Self.tried(grammar, after: text)), "after \(String(decoding: text, as: UTF8.self))")
        guard let token = allowed.randomElement(using: &random) else { break }
        try state.advance(token)
        text += Self.pieces[Int(token)]
      }
    }
  }

  @Test func masksHaveRoomForMoreTokensThanTheVocabulary() throws {
    let state = try GrammarState(try Grammar(.literals(["a"])), vocabulary: byteVocabulary)
    var bits = [UInt32](repeating: .max, count: 12)
    try bits.withUnsafeMutableBufferPointer { try state.fillMask(into: $0) }
    #expect(bits[3] == 1 << 1 && bits.enumerated().allSatisfy { $0.offset == 3 || $0.element == 0 })
  }

  @Test func refusedTokensLeaveTheState() throws {
    let state = try GrammarState(try Grammar(.literals(["ab"])), vocabulary: byteVocabulary)
    try state.advance(0x61)
    #expect(throws: GrammarError.refused(token: 0x61)) { try state.advance(0x61) }
    #expect(throws: GrammarError.refused(token: 999)) { try state.advance(999) }
    #expect(!state.mayEnd)
    try state.advance(0x62)
    #expect(state.mayEnd && state.isFinished)
  }

  /// Long answers in deep and ever new places forget states and go on.
  @Test func statesAreForgotten() throws {
    let state = try GrammarState(
      try Grammar.schema(#"{"type":"string","minLength":30000}"#), vocabulary: byteVocabulary)
    let isTaken = try state.advance([0x22])
    #expect(isTaken)
    for _ in 0..<29_999 { try state.advance(0x61) }
    #expect(throws: GrammarError.refused(token: 0x22)) { try state.advance(0x22) }
    try state.advance(0x61)
    try state.advance(0x22)
    #expect(state.isFinished)
  }

  private static func allowed(_ state: GrammarState) throws -> [Int32] {
    var bits = [UInt32](repeating: 0, count: vocabulary.wordCount)
    try bits.withUnsafeMutableBufferPointer { try state.fillMask(into: $0) }
    return (0..<Int32(pieces.count)).filter { bits[Int($0) / 32] >> UInt32($0 % 32) & 1 == 1 }
  }

  private static func tried(_ grammar: Grammar, after text: [UInt8]) throws -> [Int32] {
    func state() throws -> GrammarState {
      let state = try GrammarState(grammar, vocabulary: byteVocabulary)
      _ = try state.advance(text)
      return state
    }
    var prober = try state()
    var taken: [Int32] = []
    for id in pieces.indices where !pieces[id].isEmpty {
      guard try prober.advance(pieces[id]) else { continue }
      taken.append(Int32(id))
      prober = try state()
    }
    return taken
  }
}
