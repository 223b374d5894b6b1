import DeRaGrammar
import DeRaJSON
import DeRaPlatform
import DeRaTestSupport
import Testing

/// The verdicts are `jsonschema`'s (tools/oracle/json_schema.py).
@Suite struct SchemaOracleTests {
  @Test func equalsTheReferenceValidator() throws {
    let fixture = try JSON.parse(try Fixtures.text("grammar/cases.json"))
    let pool = try #require(fixture["pool"]?.array).map { $0.array?.compactMap(\.string) ?? [] }
    let cases = try #require(fixture["cases"]?.array)
    #expect(cases.count > 100 && pool.count > 100)
    for item in cases {
      let schema = try #require(item["schema"])
      let valid = try #require(item["valid"]?.string)
      let verdicts = valid.map { $0 == "1" }
      try #require(verdicts.count == pool.count)
      let grammar = try Grammar.unlessImpossible(schema)
      for index in pool.indices {
        let isTaken = try Self.isTaken(pool[index], by: grammar)
        let verdict = verdicts[index] ? "valid" : "invalid"
        #expect(isTaken == verdicts[index], "\(schema.text): \(pool[index].first ?? "") is \(verdict)")
      }
    }
  }

  /// The published suite, where DERA_SCHEMA_CASES names what the oracle makes of it.
  @Test(.enabled(if: getenv("DERA_SCHEMA_CASES") != nil)) func equalsThePublishedSuite() throws {
    let path = try #require(getenv("DERA_SCHEMA_CASES").map { String(cString: $0) })
    let cases = try #require(JSON.parse(String(decoding: Fixtures.bytes(at: path), as: UTF8.self))["suite"]?.array)
    var right = 0
    var wrong = 0
    var refusals: [String: Int] = [:]
    for item in cases {
      let tests = item["tests"]?.array ?? []
      let grammar: Grammar?
      do {
        grammar = try Grammar.unlessImpossible(item["schema"] ?? .null)
      } catch {
        refusals["\(item["file"]?.string ?? ""): \(error)", default: 0] += tests.count
        continue
      }
      for test in tests {
        let texts = test["texts"]?.array?.compactMap(\.string) ?? []
        if try Self.isTaken(texts, by: grammar) == test["valid"]?.bool {
          right += 1
        } else {
          wrong += 1
          print(
            "WRONG \(item["file"]?.text ?? ""): \(test["name"]?.text ?? "") \(texts.first ?? "") \(item["schema"]?.text ?? "")"
          )
        }
      }
    }
    for (why, count) in refusals.sorted(by: { $0.key < $1.key }) { print("REFUSED \(count) \(why)") }
    print("SUITE right \(right), wrong \(wrong), refused \(refusals.values.reduce(0, +))")
  }

  private static func isTaken(_ texts: [String], by grammar: Grammar?) throws -> Bool {
    guard let grammar else { return false }
    for text in texts where try grammar.takes(text) { return true }
    return false
  }
}
