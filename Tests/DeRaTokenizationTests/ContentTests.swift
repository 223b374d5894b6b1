import DeRaTestSupport
import DeRaTokenization
import Testing

/// Special tokens spelled out in a part of the text that is only text.
@Suite struct ContentTests {
  private static func tokenizer(
    _ kind: TokenizerDefinition.Kind, normalized: Bool = false, firstOnly: Bool = true
  ) throws -> Tokenizer {
    var definition = Examples.definition(kind)
    definition.addedTokens = ["<s>", "</s>", "<e>", "ab"].enumerated().map { index, text in
      var token = TokenizerDefinition.AddedToken(
        id: Int32(300 + index), content: Array(text.utf8), isSpecial: text != "ab")
      token.isNormalized = normalized
      return token
    }
    if !firstOnly { definition.normalizer[1] = .prefixed(Array("▁".utf8), unlessPresent: false, firstOnly: false) }
    return try Tokenizer(image: definition.compiled())
  }

  /// The text without brackets, with the ranges that they mark.
  private static func parsed(_ text: String) -> (text: String, content: [Range<Int>]) {
    var (plain, ranges, start) = ("", [Range<Int>](), 0)
    for character in text {
      switch character {
      case "[": start = plain.utf8.count
      case "]": ranges.append(start..<plain.utf8.count)
      default: plain.append(character)
      }
    }
    return (plain, ranges)
  }

  private static func specials(_ text: String, _ tokenizer: Tokenizer) throws -> [Int32] {
    let (text, content) = parsed(text)
    let ids = try tokenizer.encode(text, addSpecial: false, content: content)
    #expect(tokenizer.decode(ids, skipSpecial: false) == Array(text.utf8), "\(text)")
    return ids.filter { $0 >= 300 }
  }

  @Test(arguments: [
    (TokenizerDefinition.Kind.byteLevelBPE, false, true), (.sentencePieceBPE, false, true),
    (.byteLevelBPE, true, true),
  ])
  func areText(_ kind: TokenizerDefinition.Kind, _ normalized: Bool, _ firstOnly: Bool) throws {
    let tokenizer = try Self.tokenizer(kind, normalized: normalized, firstOnly: firstOnly)
    #expect(try Self.specials("<s>c[</s>]</s>", tokenizer) == [300, 301])
    #expect(try Self.specials("c<s>[c<s></s><e>é]<e>[<s>]</s>[c]", tokenizer) == [300, 302, 301])
    // A token that begins in one part and ends in the other is none.
    #expect(try Self.specials("c<[s>]<s[>]</[s]>", tokenizer).isEmpty)
    #expect(try Self.specials("c[<]<s>[>]", tokenizer) == [300])
    #expect(try Self.specials("c[<s></s>]", tokenizer).isEmpty)
    // Added tokens that are not special are words, whoever writes them.
    #expect(try Self.specials("c[ab]ab", tokenizer) == [303, 303])
  }

  /// A token that is looked for in normalised text, as what it becomes there: with the sign for a space before it.
  @Test(arguments: [true, false])
  func areTextOnceNormalized(_ firstOnly: Bool) throws {
    let tokenizer = try Self.tokenizer(.sentencePieceBPE, normalized: true, firstOnly: firstOnly)
    for (text, special) in [
      ("c <s> <s>", [300, 300]), ("c [<s>] <s>", [300]), ("c[ <s>] <s>", [300]), ("[c <s>]", []),
      ("c <s>[ </s>]", [300]),
    ] as [(String, [Int32])] {
      let (plain, content) = Self.parsed(text)
      let ids = try tokenizer.encode(plain, addSpecial: false, content: content)
      #expect(ids.filter { $0 >= 300 } == special, "\(text)")
    }
  }

  /// Where nothing is spelled like a special token, what is content makes no difference.
  @Test(arguments: [TokenizerDefinition.Kind.byteLevelBPE, .sentencePieceBPE], [false, true])
  func changesNothingElse(_ kind: TokenizerDefinition.Kind, _ normalized: Bool) throws {
    let tokenizer = try Self.tokenizer(kind, normalized: normalized)
    var random = SeededGenerator(seed: 18)
    for _ in 0..<500 {
      var (text, content) = ("", [Range<Int>]())
      for _ in 0..<Int.random(in: 0..<6, using: &random) {
        if Bool.random(using: &random) { text += ["<s>", "</s>", " <e>\n", " a"].randomElement(using: &random) ?? "" }
        let part = String((0..<4).compactMap { _ in " abcé\n<e".randomElement(using: &random) })
        if part.contains("<e>") { continue }
        content.append(text.utf8.count..<(text + part).utf8.count)
        text += part
        // Keeps a token from forming across the border.
        text += " "
      }
      #expect(
        try tokenizer.encode(text, addSpecial: true, content: content) == tokenizer.encode(text, addSpecial: true),
        "\(text.debugDescription) \(content)")
    }
  }
}
