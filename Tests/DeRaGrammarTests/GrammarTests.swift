import DeRaGrammar
import DeRaJSON
import Testing

@Suite struct GrammarTests {
  /// The verdicts are those of ECMA-262.
  @Test(arguments: [
    ("a|bc", ["a", "bc"], ["", "b", "abc"]), ("(ab)*c?", ["", "ab", "ababc", "c"], ["a", "abcc"]),
    ("[^\\d]{2}", ["ab", "é-"], ["a1", "a"]), ("^\\(\\w+\\)$", ["(a_9)"], ["()", "(é)"]),
    ("x{2,3}y{1,}z{0}", ["xxy", "xxxyyy"], ["xy", "xxxxy", "xxyz"]), ("\\u{1F600}|\\ud83d\\ude01", ["😀", "😁"], ["😂"]),
    ("(a?){3}b", ["b", "aaab"], ["aaaab"]), ("(?:|a)+", ["", "aaa"], ["b"]),
    (".", ["a", "\t", "日"], ["\n", "", "ab"]),
    ("[\\]a-]", ["]", "a", "-"], ["b"]), ("{a}", ["{a}"], ["a"]), ("(?<year>\\d{4})", ["2024"], ["202"]),
    ("[]", [], ["", "a"]),
  ])
  func regularExpressions(pattern: String, good: [String], bad: [String]) throws {
    guard !good.isEmpty else {
      #expect(throws: GrammarError.impossible) { try Grammar(.regex(pattern)) }
      return
    }
    let grammar = try Grammar(.regex(pattern))
    for text in good { #expect(try grammar.takes(text), "\(pattern) on \(text)") }
    for text in bad { #expect(try !grammar.takes(text), "\(pattern) on \(text)") }
  }

  @Test(arguments: [
    ("(?=a)", 0), ("a(?!b)", 1), ("(?<=a)b", 0), ("\\bfoo", 0), ("(a)\\1", 3), ("\\p{L}", 0), ("a**", 2), ("*a", 0),
    ("(a", 0),
    ("a)", 1), ("[a", 0), ("[b-a]", 4), ("(^a)", 1), ("a$b", 1), ("a{3,2}", 1), ("\\", 0), ("\\u12", 4), ("(?i)a", 0),
  ])
  func refusedRegularExpressions(pattern: String, offset: Int) {
    do {
      _ = try Grammar(.regex(pattern))
      Issue.record("\(pattern) is taken")
    } catch GrammarError.pattern(_, let found, _) {
      #expect(found == offset, "\(pattern)")
    } catch {
      Issue.record("\(pattern): \(error)")
    }
  }

  @Test(arguments: [
    (#"{"type":"object","properties":{"a":{"const":1}}}"#, #"{"a":1}"#, #"{"a":1,"b":1}"#),
    (#"{"properties":{"a":{"properties":{"b":{}}}},"type":"object"}"#, #"{"a":{"b":1}}"#, #"{"a":{"c":1}}"#),
    (#"{"allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}],"type":"object"}"#, #"{"a":1,"b":1}"#, #"{"c":1}"#),
    (#"{"type":"object","properties":{"a":{}},"required":["b"]}"#, #"{"a":1,"b":1}"#, #"{"b":1,"c":1}"#),
    (#"{"type":"object","properties":{"a":{}},"additionalProperties":{"const":2}}"#, #"{"b":2}"#, #"{"b":3}"#),
    (#"{"type":"object","required":["a"]}"#, #"{"a":1,"b":2}"#, #"{"b":2}"#),
  ])
  func objectsAreClosedWhereAsked(schema: String, taken: String, refused: String) throws {
    let grammar = try Grammar(.jsonSchema(try JSON.parse(schema)), closesObjects: true)
    #expect(try grammar.takes(taken))
    #expect(try !grammar.takes(refused))
    #expect(try Grammar.schema(schema).takes(taken))
  }

  @Test func partsFollowEachOther() throws {
    let call = try Grammar(
      .choice([
        .sequence([
          .literals(["<call>\n"]), .jsonSchema(try JSON.parse(#"{"const":{"a":[1]}}"#)), .literals(["\n</call>"]),
        ]),
        .literals(["none"]),
      ]))
    #expect(try call.takes("<call>\n{\"a\":[1]}\n</call>"))
    #expect(try call.takes("none"))
    #expect(try !call.takes("<call>\n{\"a\":[1]}"))
    #expect(try Grammar(.jsonValue).takes("[1, {\"a\": null}]"))
    #expect(try !Grammar(.jsonObject).takes("[1]"))
  }

  /// One space or none after a colon or comma; nothing else between the parts of a value.
  @Test func whiteSpaceIsBounded() throws {
    let grammar = try Grammar(.jsonValue)
    for text in [#"{"a":1,"b":[1,2]}"#, #"{"a": 1, "b": [1, 2]}"#] { #expect(try grammar.takes(text)) }
    for text in [#"{"a":  1}"#, #"{ "a":1}"#, "[1 ]", " 1", "1 ", "[1,\n2]", "{\"a\" :1}"] {
      #expect(try !grammar.takes(text))
    }
  }

  /// Every text that the grammar takes is JSON that our reader takes.
  @Test(arguments: [
    #""\ud83d\ude00""#, #""\u00e9\/""#, "\"\u{7f}\"", "1e5", "-0.5E-10", "0", "-0",
  ])
  func spellings(text: String) throws {
    _ = try JSON.parse(text)
    #expect(try Grammar(.jsonValue).takes(text))
  }

  @Test(arguments: [
    #""\ud83d""#, #""\ude00""#, #""\ud83dx""#, #""\x""#, "\"\n\"", "01", "1.", ".5", "+1", "1e999", "nul", "\"a",
    "[1,]", "{\"a\":1,}", "{a:1}",
    "",
  ])
  func misspellings(text: String) throws { #expect(try !Grammar(.jsonValue).takes(text)) }

  @Test func invalidUTF8IsNoString() throws {
    for bytes: [UInt8] in [
      [0x80], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xff],
    ] {
      let state = try GrammarState(try Grammar(.jsonValue), vocabulary: byteVocabulary)
      let isTaken = try state.advance([0x22] + bytes)
      #expect(!isTaken, "\(bytes)")
    }
  }
}
