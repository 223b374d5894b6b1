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

  /// The space before an answer's first word is the text's; only a whole text's first word has none.
  @Test func continuesAPrompt() throws {
    let tokenizer = try Tokenizer(image: Examples.sentencePiece().compiled())
    func continued(_ prompt: [Int32], _ ids: [Int32]) -> String {
      var decoder = tokenizer.streamingDecoder(after: prompt)
      return ids.map { decoder.append($0) }.joined() + decoder.finish()
    }
    let (space, letter, word, newline): (Int32, Int32, Int32, Int32) = (259, 260, 263, 3 + 0x0A)
    #expect(continued([1, word], [word, letter]) == " aa")
    #expect(continued([1], [word, letter]) == "aa")
    #expect(continued([], [word]) == "a")
    #expect(continued([1, space], [letter]) == "a")
    // Byte tokens whose run ends with the prompt are the prompt's.
    #expect(continued([1, letter, newline], [word]) == " a")
    #expect(continued([newline], [word]) == " a")
    // A character that the answer completes is the answer's.
    let bytes: [Int32] = Array("中".utf8).map { Int32($0) + 3 }
    #expect(continued([letter] + bytes.dropLast(), [bytes[2], letter]) == "中a")
  }

  @Test(arguments: [TokenizerDefinition.Kind.byteLevelBPE, .sentencePieceBPE])
  func continuationsEqualTheWhole(_ kind: TokenizerDefinition.Kind) throws {
    let tokenizer = try Tokenizer(image: Examples.definition(kind).compiled())
    var random = SeededRandom(seed: 10)
    for _ in 0..<500 {
      let prompt = try tokenizer.encode(String("ab c\né".shuffled(using: &random)), addSpecial: true)
      let ids = (0..<Int.random(in: 0..<20, using: &random)).map { _ in Int32.random(in: 259...267, using: &random) }
      var decoder = tokenizer.streamingDecoder(after: prompt)
      let text = ids.map { decoder.append($0) }.joined() + decoder.finish()
      #expect(
        tokenizer.decode(prompt, skipSpecial: true) + Array(text.utf8)
          == tokenizer.decode(prompt + ids, skipSpecial: true))
    }
  }

  @Test(arguments: [TokenizerDefinition.Kind.byteLevelBPE, .sentencePieceBPE])
  func equalsTheWhole(_ kind: TokenizerDefinition.Kind) throws {
    let tokenizer = try Tokenizer(image: Examples.definition(kind).compiled())
    var random = SeededRandom(seed: 9)
    for _ in 0..<2000 {
      let ids = (0..<Int.random(in: 0..<20, using: &random)).map { _ in Int32.random(in: -1...267, using: &random) }
      let text = Self.stream(ids, tokenizer).joined()
      #expect(Array(text.utf8) == tokenizer.decode(ids, skipSpecial: true))
    }
  }
}
