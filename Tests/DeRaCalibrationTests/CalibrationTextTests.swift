import DeRaCalibration
import DeRaChatTemplate
import DeRaPlatform
import DeRaPrompting
import DeRaTestSupport
import DeRaTokenization
import Testing

/// The parts of a text: what weights are rounded for and what is measured on.
@Suite struct CalibrationTextTests {
  /// A passage's bytes in either part, in the text's order.
  private func passages(_ text: CalibrationText) -> [[UInt8]] {
    var (fitted, held) = (text.fitted.makeIterator(), text.held.makeIterator())
    var all: [[UInt8]] = []
    while let next = all.count % 4 == 2 ? held.next() : fitted.next() { all.append(next.bytes) }
    return all
  }

  private static let paragraphs = (0..<60).map { "Paragraph \($0) has a few words.\nAnd a second line, übrigens.\n\n" }

  static let texts: [String] = [
    paragraphs.joined(),
    // One line a story, as logs and lists of samples are.
    (0..<200).map { "Story \($0) ends well.\n" }.joined(),
    // No line ends at all, and none of either.
    (0..<900).map { "word\($0)" }.joined(separator: " "), String(repeating: "漢字", count: 900), "a few words only",
  ]

  @Test(arguments: texts) func aTextIsCutIntoPartsThatHaveNothingInCommon(text: String) {
    let bytes = Array(text.utf8)
    let cut = CalibrationText(bytes: bytes)
    #expect(cut == CalibrationText(bytes: bytes))
    #expect(passages(cut).flatMap { $0 } == bytes)
    #expect(passages(cut).allSatisfy { String(validating: $0, as: UTF8.self) != nil }, "a character is cut")
    let held = cut.held.reduce(0) { $0 + $1.bytes.count }
    #expect(bytes.count < 100 || (0.15...0.35).contains(Double(held) / Double(bytes.count)))
  }

  @Test func passagesEndWithParagraphsWhereTheyCan() {
    let cut = CalibrationText(bytes: Array(Self.paragraphs.joined().utf8))
    #expect(passages(cut).dropLast().allSatisfy { $0.suffix(2) == Array("\n\n".utf8) })
  }

  @Test func whatIsNotReadIsCounted() throws {
    let bytes = [UInt8](repeating: 0x61, count: (1 << 20) + 77)
    #expect(CalibrationText(bytes: bytes).unusedBytes == 77)
    let directory = try TemporaryDirectory()
    try directory.write("text", bytes)
    #expect(try CalibrationText(directory.file("text")).unusedBytes == 77)
    #expect(CalibrationText.standard.unusedBytes == 0)
  }

  @Test func theStandardTextHasEveryKindInBothParts() throws {
    let text = CalibrationText.standard
    #expect(text.isStandard && (40_000...50_000).contains(text.bytes.count))
    let conversations = text.bytes.count - StandardText.kinds.dropLast().joined().reduce(0) { $0 + $1.bytes.count }
    #expect(conversations > text.bytes.count / 4)
    for kind in StandardText.kinds {
      #expect(kind.contains { text.held.contains($0) } && kind.contains { text.fitted.contains($0) })
    }
    // No sentence stands in both.
    let fitted = String(decoding: text.fitted.flatMap(\.bytes), as: UTF8.self)
    for passage in text.held {
      let held = Array(passage.bytes)
      for start in stride(from: 0, to: held.count - 60, by: 20) {
        let piece = String(decoding: held[start..<start + 60], as: UTF8.self)
        #expect(!fitted.contains(piece), "\(piece)")
      }
    }
  }

  @Test func conversationsAreLaidOutByTheModelsTemplate() throws {
    let tokenizer = try byteTokenizer(["<s>", "<user>", "<model>"], prefix: [256])
    let layout = try ConversationLayout(
      source:
        "{{ '<s>' }}{% for m in messages %}{{ '<user>' if m.role == 'user' else '<model>' }}{{ m.content }}{% endfor %}",
      specialTokens: [:])
    let turns = StandardText.conversations.reduce(0) { $0 + $1.count }
    func count(_ id: Int32, _ layout: ConversationLayout?) throws -> Int {
      let tokens = try CalibrationTokens(.standard, tokenizer, layout: layout, contextLength: 512)
      return (tokens.fitted.joined() + tokens.held).count { $0 == id }
    }
    // A byte is a token here, so only the beginning of the text is within the limit of tokens.
    let found = try count(257, layout) + count(258, layout)
    #expect(found > turns / 4 && found <= turns)
    #expect(try count(257, nil) == 0)
    // The beginning of a text stands only where a sequence begins.
    let tokens = try CalibrationTokens(.standard, tokenizer, layout: layout, contextLength: 512)
    #expect(tokens.fitted.allSatisfy { $0[0] == 256 && !$0.dropFirst().contains(256) })
    #expect(tokens.held[0] == 256 && !tokens.held.dropFirst().contains(256))
    // A template that fails leaves plain text.
    let failing = try ConversationLayout(source: "{{ raise_exception('no') }}", specialTokens: [:])
    #expect(try count(257, failing) == 0)
  }

  @Test func aTextWithoutEnoughToMeasureOnIsRefused() throws {
    let tokenizer = try byteTokenizer([], prefix: [])
    for (bytes, isEnough) in [(0, false), (16, false), (100, false), (200, true), (4000, true)] {
      let text = CalibrationText(bytes: Array(repeating: 0x61, count: bytes))
      do {
        _ = try CalibrationTokens(text, tokenizer, layout: nil, contextLength: 512)
        #expect(isEnough, "\(bytes) bytes")
      } catch {
        #expect(!isEnough && "\(error)".contains("too short"), "\(bytes) bytes: \(error)")
      }
    }
  }

  private func byteTokenizer(_ special: [String], prefix: [Int32]) throws -> Tokenizer {
    var pieces = (0..<256).map { TokenizerDefinition.Piece(id: Int32($0), bytes: [UInt8($0)]) }
    pieces += special.enumerated().map {
      TokenizerDefinition.Piece(id: Int32(256 + $0), bytes: Array($1.utf8), role: .reserved)
    }
    var definition = TokenizerDefinition(kind: .byteLevelBPE, pieces: pieces, merges: .ranked([]))
    definition.addedTokens = special.enumerated().map {
      TokenizerDefinition.AddedToken(id: Int32(256 + $0), content: Array($1.utf8), isSpecial: true)
    }
    definition.prefixIDs = prefix
    return try Tokenizer(image: definition.compiled())
  }
}
