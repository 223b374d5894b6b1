import DeRaGrammar
import DeRaJSON
import Testing

@Suite struct RefusalTests {
  /// A keyword that is not understood is named with its place.
  @Test(arguments: [
    ("uniqueItems", "true"), ("contains", "{}"), ("minContains", "1"), ("not", "{}"), ("if", "{}"), ("then", "{}"),
    ("else", "{}"),
    ("multipleOf", "2"), ("patternProperties", "{}"), ("propertyNames", "{}"), ("dependentRequired", "{}"),
    ("dependentSchemas", "{}"),
    ("unevaluatedItems", "false"), ("unevaluatedProperties", "false"), ("additionalItems", "false"),
    ("$dynamicRef", "\"#a\""),
    ("nullable", "true"), ("contentEncoding", "\"base64\""), ("format", "\"email\""), ("items", "[{}]"),
    ("$ref", "\"other.json\""),
    ("$ref", "\"#name\""), ("$schema", "\"http://example.org/my\""),
  ])
  func unsupportedKeywords(keyword: String, value: String) {
    do {
      _ = try Grammar.schema(#"{"properties":{"a":{"\#(keyword)":\#(value)}}}"#)
      Issue.record("\(keyword) is taken")
    } catch GrammarError.unsupported(let found, let path, _) {
      #expect(found == keyword && path == "#/properties/a")
    } catch {
      Issue.record("\(keyword): \(error)")
    }
  }

  @Test(arguments: [
    ("type", "\"int\""), ("type", "1"), ("enum", "1"), ("minLength", "-1"), ("minLength", "1.5"), ("maxItems", "\"2\""),
    ("pattern", "1"),
    ("minimum", "\"1\""), ("exclusiveMinimum", "true"), ("properties", "[]"), ("required", "[1]"), ("anyOf", "{}"),
    ("allOf", "[]"),
    ("$ref", "1"), ("prefixItems", "{}"),
  ])
  func malformedKeywords(keyword: String, value: String) {
    do {
      _ = try Grammar.schema(#"{"items":{"\#(keyword)":\#(value)}}"#)
      Issue.record("\(keyword) is taken")
    } catch GrammarError.malformed(let found, let path, _) {
      #expect(found == keyword && path == "#/items")
    } catch {
      Issue.record("\(keyword): \(error)")
    }
  }

  @Test(arguments: ["1", "\"a\"", "null", #"{"properties":{"a":3}}"#])
  func schemasAreObjectsOrBooleans(schema: String) {
    #expect(throws: GrammarError.self) { try Grammar.schema(schema) }
  }

  @Test(arguments: [
    ##"{"$ref":"#"}"##, ##"{"allOf":[{"$ref":"#"}]}"##, ##"{"anyOf":[{"$ref":"#"},{"type":"null"}]}"##,
    ##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}"##,
  ])
  func selfReferences(schema: String) {
    do {
      _ = try Grammar.schema(schema)
      Issue.record("\(schema) is taken")
    } catch GrammarError.selfReference {
    } catch {
      Issue.record("\(schema): \(error)")
    }
  }

  @Test func missingReferences() {
    #expect(throws: GrammarError.unresolved(reference: "#/$defs/x", path: "#")) {
      try Grammar.schema(##"{"$ref":"#/$defs/x"}"##)
    }
  }

  @Test func overlappingOneOf() {
    #expect(throws: GrammarError.self) { try Grammar.schema(#"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#) }
    #expect(throws: GrammarError.self) {
      try Grammar.schema(#"{"oneOf":[{"type":"object"},{"type":"object","required":["a"]}]}"#)
    }
  }

  /// A list whose items must be such lists has no end: no text satisfies it.
  @Test(arguments: [
    ##"{"type":"array","items":{"$ref":"#"},"minItems":1}"##, "false",
    ##"{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}"##,
    #"{"enum":[]}"#, #"{"type":"object","minProperties":1,"maxProperties":0}"#,
    #"{"type":"string","minLength":3,"maxLength":2}"#,
  ])
  func impossibleSchemas(schema: String) {
    #expect(throws: GrammarError.impossible) { try Grammar.schema(schema) }
  }

  /// Depth is bounded where a schema lets it grow, and never by a blind alley: whatever is taken can be completed.
  @Test func depthIsBounded() throws {
    let grammar = try Grammar.schema(##"{"type":"array","items":{"anyOf":[{"$ref":"#"},{"const":[[1]]}]}}"##)
    func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    #expect(try grammar.takes(nested(64)))
    #expect(try !grammar.takes(nested(65)))
    let state = try GrammarState(grammar, vocabulary: byteVocabulary)
    let isTaken = try state.advance(Array(repeating: 0x5b, count: 64))
    #expect(isTaken)
  }

  @Test func bombsAreBounded() throws {
    // Loops count, they are not copied.
    _ = try Grammar.schema(#"{"type":"array","minItems":1000000000,"items":{"type":"string","minLength":1000000000}}"#)
    _ = try Grammar.schema(#"{"type":"string","pattern":"^((((a{1000}){1000}){1000}){1000})$"}"#)
    // 2^40 alternatives.
    let options = Array(repeating: #"{"anyOf":[{"type":"integer"},{"type":"string"}]}"#, count: 40).joined(
      separator: ",")
    #expect(throws: GrammarError.self) { try Grammar.schema("{\"allOf\":[\(options)]}") }
    // Definitions that double: d0 is d1 and d1, d1 is d2 and d2, …
    let doubling = (0..<40).map { index in
      let next = ##"{"$ref":"#/$defs/d\##(index + 1)"}"##
      return "\"d\(index)\":{\"allOf\":[\(next),\(next)]}"
    }
    #expect(throws: GrammarError.tooLarge(what: "readings of subschemas", limit: 50_000)) {
      try Grammar.schema("{\"$defs\":{\(doubling.joined(separator: ",")),\"d40\":{}},\"$ref\":\"#/$defs/d0\"}")
    }
    let words = (0..<60_000).map { "\"\($0 &* 2_654_435_761)\"" }.joined(separator: ",")
    #expect(throws: GrammarError.self) { try Grammar.schema("{\"enum\":[\(words)]}") }
    let properties = (0..<3000).map { "\"p\($0)\":{}" }.joined(separator: ",")
    #expect(throws: GrammarError.self) {
      try Grammar.schema("{\"type\":\"object\",\"maxProperties\":2000,\"properties\":{\(properties)}}")
    }
    #expect(throws: GrammarError.self) { try Grammar(.regex(String(repeating: "(", count: 10_000))) }
  }

  /// An answer that can be read in exponentially many ways ends with an error.
  @Test func ambiguityIsBounded() throws {
    let grammar = try Grammar(.regex("(.{0,1000}){0,1000}b"))
    let state = try GrammarState(grammar, vocabulary: byteVocabulary)
    do {
      for _ in 0..<3000 { try state.advance(0x61) }
      Issue.record("no bound")
    } catch GrammarError.tooAmbiguous {
    }
  }
}
