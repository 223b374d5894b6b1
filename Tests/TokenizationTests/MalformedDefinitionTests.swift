import Testing
import Tokenization

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
