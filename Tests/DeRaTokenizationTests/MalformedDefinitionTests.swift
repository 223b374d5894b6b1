import DeRaTokenization
import Testing

@Suite struct MalformedDefinitionTests {
  typealias Definition = TokenizerDefinition

  private static func refused(_ message: String, _ change: (inout Definition) -> Void) {
    var definition = Examples.byteLevel()
    change(&definition)
    let error = #expect(throws: TokenizerError.self) { try definition.compiled() }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }

  @Test func duplicateIDs() {
    Self.refused("two vocabulary entries") { $0.pieces[1].id = 0 }
  }

  @Test func idsOutOfRange() {
    Self.refused("outside") { $0.pieces[1].id = -1 }
    Self.refused("outside") { $0.pieces[1].id = .max }
    Self.refused("outside") { $0.addedTokens = [.init(id: -5, content: [97], isSpecial: true)] }
  }

  @Test func emptyVocabulary() {
    Self.refused("empty") {
      $0.pieces = []
      $0.merges = .ranked([])
    }
  }

  @Test func mergesOfUnknownPieces() {
    Self.refused("merge 0") { $0.merges = .ranked([.init(left: 0, right: 9999, result: 1)]) }
    Self.refused("merge 0") { $0.merges = .ranked([.init(left: -1, right: 0, result: 1)]) }
  }

  @Test func mergesThatDoNotAddUp() {
    Self.refused("does not make") { $0.merges = .ranked([.init(left: 0, right: 1, result: 2)]) }
  }

  @Test func scores() {
    Self.refused("scores") { $0.merges = .scored([1, 2]) }
    Self.refused("not a number") { $0.merges = .scored($0.pieces.map { _ in .nan }) }
  }

  @Test func specialIDs() {
    Self.refused("special token id") { $0.eosID = 70_000 }
    Self.refused("special token id") { $0.prefixIDs = [-1] }
  }

  @Test func addedTokens() {
    Self.refused("is empty") { $0.addedTokens = [.init(id: 0, content: [], isSpecial: true)] }
    Self.refused("UTF-8") { $0.addedTokens = [.init(id: 0, content: [0xFF], isSpecial: true)] }
    Self.refused("two added tokens") {
      $0.addedTokens = [.init(id: 0, content: [1], isSpecial: true), .init(id: 0, content: [2], isSpecial: true)]
    }
  }

  /// Steps that double the letter a, `count` times.
  private static func doubling(_ count: Int) -> [TextStep] {
    [TextStep](repeating: .replaced(.literal([0x61]), with: [0x61, 0x61]), count: count)
  }

  /// Replacements that would fill the memory are refused in texts, which may grow in the sum of their segments only, …
  @Test func textsGrowLittle() throws {
    var definition = Examples.byteLevel([])
    definition.addedTokens = [.init(id: 256, content: Array("x".utf8), isSpecial: false)]
    definition.preTokenizer = []
    definition.normalizer = Self.doubling(15)
    let tokenizer = try Tokenizer(image: definition.compiled())
    #expect(try tokenizer.encode("axa", addSpecial: false).count == 2 * 32_768 + 1)
    #expect(throws: TokenizerError.textGrew) { try tokenizer.encode("axaxa", addSpecial: false) }
    definition.normalizer = [.prefixed(Array(repeating: 0x62, count: 200), unlessPresent: false, firstOnly: false)]
    let prefixing = try Tokenizer(image: definition.compiled())
    #expect(throws: TokenizerError.textGrew) {
      try prefixing.encode(String(repeating: "ax", count: 400), addSpecial: false)
    }
    definition.normalizer = []
    definition.preTokenizer = Self.doubling(17)
    let cutting = try Tokenizer(image: definition.compiled())
    #expect(throws: TokenizerError.textGrew) { try cutting.encode("a", addSpecial: false) }
  }

  /// … and in added tokens.
  @Test func addedTokensGrowLittle() throws {
    var definition = Examples.byteLevel([])
    definition.normalizer = Self.doubling(17)
    definition.addedTokens = [.init(id: 256, content: [0x61], isSpecial: false)]
    definition.addedTokens[0].isNormalized = true
    #expect(throws: TokenizerError.textGrew) { try definition.compiled() }
    definition.normalizer = [.replaced(.literal([0x61]), with: [UInt8](repeating: 0x62, count: 65_000))]
    _ = try definition.compiled()
    definition.addedTokens = (0..<70).map { index in
      var token = TokenizerDefinition.AddedToken(
        id: Int32(256 + index), content: Array("a\(index)".utf8), isSpecial: false)
      token.isNormalized = true
      return token
    }
    let error = #expect(throws: TokenizerError.self) { try definition.compiled() }
    #expect(error?.description.contains("the added tokens up to") == true, "\(error?.description ?? "")")
  }

  /// The growth of real tokenizers stays possible in long texts: 3 bytes for a space, 6 for one after an added token.
  @Test func spacesGrow() throws {
    var definition = Examples.sentencePiece()
    definition.normalizer = [
      .prefixed(Array("▁".utf8), unlessPresent: false, firstOnly: false),
      .replaced(.literal([0x20]), with: Array("▁".utf8)),
    ]
    let tokenizer = try Tokenizer(image: definition.compiled())
    let space = try #require(tokenizer.id(of: "▁"))
    for (text, count) in [(String(repeating: " ", count: 100_000), 100_001), ("<s> ", 3)] {
      let ids = try tokenizer.encode(text, addSpecial: false)
      #expect(ids.count == count && ids.last == space)
    }
    let ids = try tokenizer.encode(String(repeating: "<s> ", count: 50_000), addSpecial: false)
    #expect(ids.count == 150_000)
  }

  /// Constructs that PCRE2 would read in another way, and plain mistakes.
  @Test(arguments: [
    "[a&&b]", "[a[bc]]", "a{1,3}+", "(?m)a.", "(?mi:a)", #"\Wa"#, #"\X"#, "[", "(", #"a\"#, #"\p{Nonesuch}"#, "[]a]",
    String(repeating: "a", count: 9000), String(repeating: "(", count: 300) + String(repeating: ")", count: 300),
  ])
  func patterns(_ pattern: String) {
    var definition = Examples.byteLevel()
    definition.preTokenizer = [.split(.regex(pattern), .isolated, inverted: false)]
    #expect(throws: TokenizerError.self) { try definition.compiled() }
  }
}
