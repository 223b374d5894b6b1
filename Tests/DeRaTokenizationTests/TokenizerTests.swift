import DeRaTestSupport
import DeRaTokenization
import Testing

@Suite struct TokenizerTests {
  @Test func idsOfWords() throws {
    let tokenizer = try Tokenizer(image: Examples.byteLevel().compiled())
    #expect(try tokenizer.encode("hello the", addSpecial: false) == [259, 262])
    #expect(tokenizer.vocabularySize == 263)
    #expect(tokenizer.id(of: "hello") == 259 && tokenizer.id(of: "nonesuch") == nil)
    #expect(tokenizer.piece(of: 262) == Array(" the".utf8))
  }

  @Test func specialTokensOnDemand() throws {
    let tokenizer = try Tokenizer(image: Examples.sentencePiece().compiled())
    let text = "a</s>"
    let parsed = try tokenizer.encode(text, addSpecial: true)
    let plain = try tokenizer.encode(text, addSpecial: false, parseSpecial: false)
    #expect(parsed.first == 1 && parsed.last == 2)
    #expect(!plain.contains(2))
    #expect(tokenizer.decode(parsed, skipSpecial: true) == Array("a".utf8))
    #expect(tokenizer.decode(parsed, skipSpecial: false) == Array("<s> a</s>".utf8))
    #expect(tokenizer.decode(plain, skipSpecial: true) == Array(text.utf8))
    #expect(tokenizer.isSpecial(2) && !tokenizer.isSpecial(3))
    #expect(tokenizer.bosID == 1 && tokenizer.eosID == 2 && tokenizer.padID == nil)
  }

  @Test(arguments: [TokenizerDefinition.Kind.byteLevelBPE, .sentencePieceBPE])
  func anyBytesRoundTrip(_ kind: TokenizerDefinition.Kind) throws {
    let tokenizer = try Tokenizer(image: Examples.definition(kind).compiled())
    var random = SeededGenerator(seed: 3)
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 0..<24, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      // U+2581 is how SentencePiece spells a space.
      let text = String(String(decoding: bytes, as: UTF8.self).unicodeScalars.filter { $0 != "▁" })
      let ids = try bytes.withUnsafeBytes { try tokenizer.encode($0, addSpecial: false) }
      #expect(tokenizer.decode(ids, skipSpecial: false) == Array(text.utf8))
    }
  }

  @Test func idsThatDoNotExist() throws {
    let tokenizer = try Tokenizer(image: Examples.byteLevel().compiled())
    for id in [Int32.min, -1, 263, Int32.max] {
      #expect(tokenizer.piece(of: id).isEmpty && !tokenizer.isSpecial(id))
      #expect(tokenizer.decode([104, id, 105], skipSpecial: false) == Array("hi".utf8))
    }
  }

  /// Merging is as in the definition of BPE: the best rank, then the leftmost, until nothing can be joined.
  @Test func equalsTheNaiveAlgorithm() throws {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<40 {
      let definition = Self.randomDefinition(&random)
      let tokenizer = try Tokenizer(image: definition.compiled())
      guard case .ranked(let merges) = definition.merges else { return }
      for _ in 0..<50 {
        let word = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
          "abc".utf8.randomElement(using: &random) ?? 97
        }
        let ids = try word.withUnsafeBytes { try tokenizer.encode($0, addSpecial: false) }
        #expect(ids == Self.naive(word, merges))
      }
    }
  }

  private static func randomDefinition(_ random: inout SeededGenerator) -> TokenizerDefinition {
    var words: Set<String> = []
    for _ in 0..<60 {
      words.insert(
        String((0..<Int.random(in: 2...5, using: &random)).map { _ in "abc".randomElement(using: &random) ?? "a" }))
    }
    var definition = Examples.byteLevel(words.sorted { ($0.count, $0) < ($1.count, $1) })
    if case .ranked(let merges) = definition.merges { definition.merges = .ranked(merges.shuffled(using: &random)) }
    definition.preTokenizer = []
    return definition
  }

  private static func naive(_ word: [UInt8], _ merges: [TokenizerDefinition.Merge]) -> [Int32] {
    var ids = word.map(Int32.init)
    while true {
      var best: (rank: Int, place: Int)?
      for place in ids.indices.dropLast() {
        let rank = merges.firstIndex { $0.left == ids[place] && $0.right == ids[place + 1] }
        if let rank, best.map({ rank < $0.rank }) ?? true { best = (rank, place) }
      }
      guard let best else { return ids }
      ids.replaceSubrange(best.place...(best.place + 1), with: [merges[best.rank].result])
    }
  }

  /// Quadratic merging or splitting would take hours here.
  @Test func longWords() throws {
    var definition = Examples.sentencePiece()
    let tokenizer = try Tokenizer(image: definition.compiled())
    let count = 1 << 20
    let ids = try tokenizer.encode(String(repeating: "ab", count: count), addSpecial: false)
    #expect(ids.count == count)
    definition.preTokenizer = [.split(.literal(Array("b".utf8)), .mergedWithPrevious, inverted: false)]
    let cut = try Tokenizer(image: definition.compiled())
    #expect(try cut.encode(String(repeating: "ab", count: count), addSpecial: false).count == count)
  }

  @Test func patternsThatRunAway() throws {
    var definition = Examples.byteLevel()
    definition.preTokenizer = [.split(.regex("^(a+)+c"), .isolated, inverted: false)]
    let tokenizer = try Tokenizer(image: definition.compiled())
    #expect(throws: TokenizerError.self) {
      try tokenizer.encode(String(repeating: "a", count: 64) + "!c", addSpecial: false)
    }
  }

  @Test func scoresDecideTheOrder() throws {
    var definition = Examples.sentencePiece()
    // ▁a b or ▁ ab: with "ab" better than "▁a" the second.
    let better = definition.pieces.map { $0.bytes == Array("ab".utf8) ? Float(1) : -Float($0.id) }
    definition.pieces.removeAll { $0.bytes == Array("▁ab".utf8) }
    definition.merges = .scored(definition.pieces.map { better[Int($0.id)] })
    let ids = try Tokenizer(image: definition.compiled()).encode("ab", addSpecial: false)
    #expect(ids == [259, 264])
  }
}
