import DeRa
import DeRaGrammar
import DeRaJSON
import DeRaTestSupport
import DeRaTokenization
import Testing

/// Constrained answers of the embedded pair, which has learnt stories and no JSON.
@Suite struct ConstraintTests {
  private static let schema = """
    {"type":"object","properties":{"name":{"type":"string","maxLength":12},"age":{"type":"integer","minimum":1,"maximum":99},
    "toys":{"type":"array","items":{"enum":["ball","kite"]},"minItems":1,"maxItems":3}},
    "required":["name","age","toys"],"additionalProperties":false}
    """

  private func bundle() throws -> ModelBundle { try ModelBundle(path: Fixtures.storyteller) }

  /// Every answer that ends is what the schema says, whatever λ and temperature.
  @Test(arguments: [0, 0.5, 1, 3])
  func answersSatisfyTheSchema(lambda: Double) async throws {
    let bundle = try bundle()
    let session = try bundle.session(context: 256, threads: 1)
    for (seed, temperature) in zip(1..., [0, 0.8, 5] as [Float]) {
      var options = GenerationOptions(temperature: temperature, topK: 0, topP: 1, seed: UInt64(seed), maxTokens: 200)
      options.constraint = try bundle.constraint(.jsonSchema(Self.schema))
      let answer = try await session.answer("Once upon a time", lambda: Lambda(lambda), options: options)
      #expect(answer.finishReason == .stop, "\(answer.text)")
      let value = try JSON.parse(answer.text)
      #expect(value.object?.keys == ["name", "age", "toys"])
      #expect(value["name"]?.string?.unicodeScalars.count ?? 99 <= 12)
      #expect((1...99).contains(value["age"]?.int ?? 0))
      let toys = try #require(value["toys"]?.array)
      #expect((1...3).contains(toys.count) && toys.allSatisfy { ["ball", "kite"].contains($0.string ?? "") })
      let again = try await session.answer("Once upon a time", lambda: Lambda(lambda), options: options)
      #expect(again.text == answer.text)
    }
  }

  /// An answer that must go on where the model would end it goes on; one that may end can be ended by the model.
  @Test func endsAreWhereTheFormAllowsThem() async throws {
    let bundle = try bundle()
    let session = try bundle.session(context: 256, threads: 1)
    var options = GenerationOptions(temperature: 0, maxTokens: 100)
    options.constraint = try bundle.constraint(.pattern("(ab){40}"))
    let long = try await session.answer("Once upon a time", options: options)
    #expect(long.text == String(repeating: "ab", count: 40) && long.finishReason == .stop)
    options.constraint = try bundle.constraint(.choice(["kite", "kites", "ball"]))
    let choice = try await session.answer("The boy had a red", options: options)
    #expect(["kite", "kites", "ball"].contains(choice.text) && choice.finishReason == .stop)
    options.maxTokens = 3
    options.constraint = try bundle.constraint(.pattern("[a-z]{500}"))
    #expect(try await session.answer("Once", options: options).finishReason == .length)
  }

  @Test func formsThatAreWrongAreRefused() throws {
    let bundle = try bundle()
    for form: AnswerForm in [
      .jsonSchema("{"), .jsonSchema(#"{"uniqueItems":true}"#), .pattern("(?=a)"), .choice([]), .jsonSchema("false"),
    ] {
      let error = #expect(throws: DeRaError.self) { try bundle.constraint(form) }
      if case .invalidConstraint = error {} else { Issue.record("\(form): \(String(describing: error))") }
    }
  }

  @Test func optionsThatExcludeEachOtherAreRefused() async throws {
    let bundle = try bundle()
    var options = GenerationOptions(plausible: 0.1, maxTokens: 4)
    options.constraint = try bundle.constraint(.jsonObject)
    await #expect(throws: DeRaError.self) {
      try await bundle.session(context: 64, threads: 1).answer("Once", options: options)
    }
  }

  /// Random tokens that the mask allows, on the pair's own tokenizer.
  @Test(arguments: [
    #"{"type":"object"}"#, schema, #"{"type":"array","items":{"type":["number","null","boolean"]},"maxItems":5}"#,
  ])
  func randomWalksSatisfyTheSchema(schema: String) throws {
    let bundle = try bundle()
    let tokenizer = try #require(bundle.tokenizer)
    let constraint = try bundle.constraint(.jsonSchema(schema))
    let grammar = try Grammar(.jsonSchema(try JSON.parse(schema)))
    let bytes = GrammarVocabulary(size: 256) { [UInt8($0)] }
    var random = SeededGenerator(seed: 5)
    var finished = 0
    for _ in 0..<20 {
      let state = try GrammarState(constraint.grammar, vocabulary: constraint.vocabulary)
      var decoder = tokenizer.streamingDecoder(after: [1])
      var bits = [UInt32](repeating: 0, count: constraint.vocabulary.wordCount)
      var text = ""
      for _ in 0..<150 where !state.isFinished {
        try bits.withUnsafeMutableBufferPointer { try state.fillMask(into: $0) }
        let allowed = (0..<Int32(bundle.vocabularySize)).filter { bits[Int($0) / 32] >> UInt32($0 % 32) & 1 == 1 }
        // Closing brackets and quotes are few among the tokens of a free string.
        let closing = allowed.filter {
          ["\"", "}", "]", "\"}"].contains(String(decoding: tokenizer.addedText(of: $0), as: UTF8.self))
        }
        let token = try #require(
          (Bool.random(using: &random) ? closing : allowed).randomElement(using: &random) ?? allowed.first)
        try state.advance(token)
        text += decoder.append(token)
      }
      guard state.isFinished else { continue }
      finished += 1
      text += decoder.finish()
      _ = try JSON.parse(text)
      let whole = try GrammarState(grammar, vocabulary: bytes)
      let isTaken = try whole.advance(Array(text.utf8))
      #expect(isTaken && whole.mayEnd, "\(text)")
    }
    #expect(finished >= 10)
  }
}
