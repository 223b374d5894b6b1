import DeRaChatTemplate
import Testing

@Suite struct CaseTests {
  struct Cases: Decodable {
    struct Case: Decodable {
      let source: String
      let text: String?
      let error: String?
      let message: String?
    }
    let variables: FixtureValue
    let cases: [Case]
  }

  /// Where we fail at rendering, or call the failure by another name, and Python fails too: Jinja looks up filters and
  /// tests and checks `break` when it compiles, we do when they run (filters) or when we parse (`break`).
  static let otherNames: [String: Set<String>] = [
    "syntax": ["unsupported"], "value": ["syntax", "unsupported", "undefined", "limit range"], "undefined": ["syntax"],
  ]

  @Test func smallTemplatesRenderLikeJinja() throws {
    let table: Cases = try Fixtures.decode("cases.json")
    #expect(table.cases.count >= 340)
    for expected in table.cases {
      let outcome = Outcome { () throws(TemplateError) in
        try ChatTemplate(source: expected.source).rendered(
          messages: [], addGenerationPrompt: false, variables: table.variables.entries, now: Fixtures.now)
      }
      if let error = expected.error {
        let isSame = outcome.error == error || Self.otherNames[error]?.contains(outcome.error ?? "") == true
        #expect(isSame && outcome.message == expected.message, "\(expected.source): \(outcome)")
      } else {
        let text = Array((expected.text ?? "").unicodeScalars)
        #expect(outcome.text.map { Array($0.unicodeScalars) } == text, "\(expected.source): \(outcome)")
      }
    }
  }
}
