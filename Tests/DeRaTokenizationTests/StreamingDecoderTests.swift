import DeRaTestSupport
import DeRaTokenization
import Testing

@Suite struct StreamingDecoderTests {
  private static func stream(_ ids: [Int32], _ tokenizer: Tokenizer) -> [String] {
    var decoder = tokenizer.streamingDecoder()
    return ids.map { decoder.append($0) } + [decoder.finish()]
  }

  @Test func wholeCharactersOnly() throws {
    let tokenizer = try Tokenizer(image: Examples.byteLevel().compiled())
    let ids = Array("a😀é".utf8).map(Int32.init)
    #expect(Self.stream(ids, tokenizer) == ["a", "", "", "", "😀", "", "é", ""])
  }

  @Test func unfinishedCharacter() throws {
    let tokenizer = try Tokenizer(image: Examples.byteLevel().compiled())
    #expect(Self.stream([0xF0, 0x9F], tokenizer) == ["", "", "\u{FFFD}"])
    #expect(Self.stream([0xF0, 0x9F, 0x61], tokenizer) == ["", "", "\u{FFFD}a", ""])
  }

  /// A run of byte tokens is text or not as a whole, as in Hugging Face's ByteFallback.
  @Test func runsOfByteTokens() throws {
    let tokenizer = try Tokenizer(image: Examples.sentencePiece().compiled())
    let bytes: [Int32] = Array("中".utf8).map { Int32($0) + 3 }
    let letter: Int32 = 260
    #expect(Self.stream(bytes + [letter], tokenizer) == ["", "", "", "中a", ""])
    #expect(Self.stream([bytes[0], 0x44, letter], tokenizer) == ["", "", "\u{FFFD}\u{FFFD}a", ""])
  }

  @Test func leadingSpaceGoesOnce() throws {
    let tokenizer = try Tokenizer(image: Examples.sentencePiece().compiled())
    #expect(Self.stream([1, 259, 259, 260], tokenizer) == ["", "", " ", "a", ""])
  }

  @Test func trailingUnitsAreHeldBack() throws {
    var definition = Examples.sentencePiece()
    definition.decoder.strippedAtEnd = 1
    let tokenizer = try Tokenizer(image: definition.compiled())
    #expect(Self.stream([260, 259, 259, 260, 259], tokenizer) == ["a", "", " ", " a", "", ""])
  }

  @Test(arguments: [TokenizerDefinition.Kind.byteLevelBPE, .sentencePieceBPE])
  func equalsTheWhole(_ kind: TokenizerDefinition.Kind) throws {
    let tokenizer = try Tokenizer(image: Examples.definition(kind).compiled())
    var random = SeededGenerator(seed: 9)
    for _ in 0..<2000 {
      let ids = (0..<Int.random(in: 0..<20, using: &random)).map { _ in Int32.random(in: -1...267, using: &random) }
      let text = Self.stream(ids, tokenizer).joined()
      #expect(Array(text.utf8) == tokenizer.decode(ids, skipSpecial: true))
    }
  }
}
