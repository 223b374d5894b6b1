import DeRaTokenization
import Testing

@Suite struct TextTests {
  private static func repaired(_ bytes: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    bytes.withUnsafeBytes { _ = UTF8Text.appendRepaired($0, to: &output) }
    return output
  }

  /// All pairs and, around every lead byte, triples and quadruples: equal to the standard library's repair.
  @Test func repairEqualsTheStandardLibrary() {
    let edges: [UInt8] = [
      0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xFF,
    ]
    var wrong: [[UInt8]] = []
    func check(_ bytes: [UInt8]) { if !Self.isRepairedLikeStrings(bytes) { wrong.append(bytes) } }
    for first in UInt8.min...UInt8.max {
      for second in UInt8.min...UInt8.max { check([first, second]) }
      for second in edges {
        for third in edges {
          check([first, second, third])
          for fourth in edges { check([first, second, third, fourth]) }
        }
      }
    }
    #expect(wrong.isEmpty)
  }

  private static func isRepairedLikeStrings(_ bytes: [UInt8]) -> Bool {
    let expected = Array(String(decoding: bytes, as: UTF8.self).utf8)
    return repaired(bytes) == expected && bytes.withUnsafeBytes(UTF8Text.isValid) == (expected == bytes)
  }

  @Test func byteAlphabet() {
    for byte in UInt8.min...UInt8.max {
      let text = ByteAlphabet.encode([byte])
      #expect(text.unicodeScalars.count == 1)
      #expect(ByteAlphabet.decode(text.unicodeScalars) == [byte])
    }
    #expect(ByteAlphabet.encode(Array(" \n".utf8)) == "ĠĊ")
    #expect(ByteAlphabet.decode("a b".unicodeScalars) == nil)
    #expect(ByteAlphabet.decode("中".unicodeScalars) == nil)
  }

  @Test(arguments: [
    ("e\u{301}", [TextStep.composed], "\u{E9}"),
    ("\u{E9}", [.decomposed], "e\u{301}"),
    ("ÄÖ İ", [.lowercased], "äö i\u{307}"),
    ("\u{3000} a \n", [.trimmed(left: true, right: true)], "a"),
    (" a ", [.trimmed(left: false, right: true)], " a"),
    ("a  b", [.replaced(.regex(#"\s+"#), with: [0x2D])], "a-b"),
    ("aXbX", [.replaced(.literal([0x58]), with: [])], "ab"),
    ("ab", [.replaced(.regex("x*"), with: [0x2D])], "-a-b-"),
    ("ab", [.prefixed([0x20], unlessPresent: true, firstOnly: true)], " ab"),
    (" ab", [.prefixed([0x20], unlessPresent: true, firstOnly: true)], " ab"),
    (" ab", [.prefixed([0x20], unlessPresent: false, firstOnly: true)], "  ab"),
    ("", [.prefixed([0x20], unlessPresent: false, firstOnly: false)], ""),
    ("a b", [.split(.literal([0x20]), .removed, inverted: false)], "ab"),
    ("a b", [.split(.literal([0x20]), .removed, inverted: true)], " "),
    ("a\u{180E}b\u{85}c", [.replaced(.regex(#"\s"#), with: [0x2D])], "a\u{180E}b-c"),
    ("a\u{180E}b c", [.replaced(.regex(#"\S+"#), with: [0x2D])], "- -"),
    ("a1_\u{24B6} \u{203F}", [.replaced(.regex(#"\w"#), with: [0x2D])], "---- -"),
    ("中ー、a", [.replaced(.regex(#"\p{Han}"#), with: [0x2D])], "-ー、a"),
  ])
  func steps(_ text: String, _ steps: [TextStep], _ expected: String) throws {
    var definition = Examples.byteLevel([])
    definition.preTokenizer = steps
    let tokenizer = try Tokenizer(image: definition.compiled())
    let ids = try tokenizer.encode(text, addSpecial: false)
    #expect(ids.map { UInt8(truncatingIfNeeded: $0) } == Array(expected.utf8))
  }

  /// Cuts show where merges cannot cross: "ab" is a piece, so it stays whole unless it is cut.
  @Test(arguments: [
    (SplitBehavior.isolated, ["ab", "-", "-", "ab", "-"]), (.removed, ["ab", "ab"]),
    (.mergedWithPrevious, ["ab-", "-", "ab-"]), (.mergedWithNext, ["ab", "-", "-ab", "-"]),
    (.contiguous, ["ab", "--", "ab", "-"]),
  ])
  func splits(_ behavior: SplitBehavior, _ expected: [String]) throws {
    var definition = Examples.byteLevel(["ab", "--", "ab-", "-ab", "--ab", "ab--", "b-", "-a"])
    definition.ignoresMerges = true
    definition.preTokenizer = [.split(.literal([0x2D]), behavior, inverted: false)]
    let tokenizer = try Tokenizer(image: definition.compiled())
    let ids = try tokenizer.encode("ab--ab-", addSpecial: false)
    #expect(ids.map { String(decoding: tokenizer.piece(of: $0), as: UTF8.self) } == expected)
  }
}
