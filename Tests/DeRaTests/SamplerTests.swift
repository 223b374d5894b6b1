import DeRa
import DeRaTestSupport
import FoundationEssentials
import Testing

/// The tokens that transformers' processors leave of random logits; see Tests/Fixtures/sampling/generate.py.
private struct OracleVocabulary: Decodable {
  struct Case: Decodable {
    var setting: [String: Float]
    var bias: [String: String]
    var ids: [Int32]
    var probabilities: [Double]
    var count: Int
  }
  var logits: [Float]
  var prompt: [Int32]
  var answer: [Int32]
  var cases: [Case]
}

extension OracleVocabulary.Case {
  fileprivate var options: SamplingOptions {
    var options = SamplingOptions()
    options.temperature = setting["temperature"] ?? 1
    options.topK = Int(setting["top_k"] ?? 0)
    options.topP = setting["top_p"] ?? 1
    options.minP = setting["min_p"] ?? 0
    options.repetitionPenalty = setting["repetition_penalty"] ?? 1
    options.frequencyPenalty = setting["frequency_penalty"] ?? 0
    options.presencePenalty = setting["presence_penalty"] ?? 0
    for (id, value) in bias { options.logitBias[Int32(id) ?? -1] = Float(value) ?? .nan }
    options.seed = 1
    return options
  }
}

/// Runs `body` on a copy of the logits that it may change.
func withLogits<Result>(
  _ values: [Float], _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
) rethrows -> Result {
  var copy = values
  return try copy.withUnsafeMutableBufferPointer { try body($0) }
}

@Suite struct SamplerTests {
  @Test func distributionsEqualTransformers() throws {
    let vocabularies = try JSONDecoder().decode([OracleVocabulary].self, from: Fixtures.data("sampling/cases.json"))
    #expect(vocabularies.count == 3)
    for vocabulary in vocabularies {
      for expected in vocabulary.cases {
        var sampler = try Sampler(expected.options)
        sampler.start(prompt: vocabulary.prompt)
        for token in vocabulary.answer { sampler.accept(token) }
        let found = try withLogits(vocabulary.logits) { try sampler.distribution($0) }
        #expect(found.count == expected.count, "\(expected.setting) of \(vocabulary.logits.count)")
        let head = found.prefix(expected.ids.count)
        #expect(head.map(\.id) == expected.ids, "\(expected.setting) of \(vocabulary.logits.count)")
        for (token, probability) in zip(head, expected.probabilities) {
          #expect(abs(token.probability - probability) <= 2e-6 * probability + 1e-12)
        }
      }
    }
  }

  @Test func greedyTakesTheLowestIdOfATie() throws {
    var options = SamplingOptions()
    options.temperature = 0
    var sampler = try Sampler(options)
    let token = try withLogits([-1, 3, 2, 3, 3]) { try sampler.sample($0) }
    #expect(token == 1)
  }

  @Test func tiesRankByIdAcrossBandsAndAtTheTopKEdge() throws {
    var options = SamplingOptions()
    options.topK = 3
    options.topP = 1
    var sampler = try Sampler(options)
    let ids = try withLogits([5, -40, 5, -40, -40, -300]) { try sampler.distribution($0).map(\.id) }
    #expect(ids == [0, 2, 1])
  }

  /// χ² of 20 000 draws against the distribution; the 99.99 % point for 9 degrees of freedom is 33.7.
  @Test(arguments: [(0, Float(1)), (10, Float(1)), (0, Float(0.9))]) func drawsFollowTheDistribution(
    topK: Int, topP: Float
  ) throws {
    let logits: [Float] = (0..<200).map { $0 < 10 ? Float($0) * 0.3 : -60 }
    var options = SamplingOptions()
    (options.temperature, options.topK, options.topP, options.seed) = (0.9, topK, topP, 7)
    var sampler = try Sampler(options)
    let expected = try withLogits(logits) { try sampler.distribution($0) }
    var counts = [Int](repeating: 0, count: logits.count)
    let draws = 20_000
    for _ in 0..<draws { counts[Int(try withLogits(logits) { try sampler.sample($0) })] += 1 }
    var chiSquare = 0.0
    for token in expected where token.probability > 1e-6 {
      let mean = token.probability * Double(draws)
      chiSquare += (Double(counts[Int(token.id)]) - mean) * (Double(counts[Int(token.id)]) - mean) / mean
    }
    #expect(chiSquare < 33.7)
    let possible = Set(expected.filter { $0.probability > 1e-6 }.map(\.id))
    #expect(counts.indices.allSatisfy { counts[$0] == 0 || possible.contains(Int32($0)) })
  }

  @Test func theSameSeedGivesTheSameTokens() throws {
    let logits = (0..<1000).map { Float(($0 * 7919) % 1000) * 0.01 }
    func tokens(seed: UInt64) throws -> [Int32] {
      var options = SamplingOptions()
      options.seed = seed
      var sampler = try Sampler(options)
      return try (0..<20).map { _ in try withLogits(logits) { try sampler.sample($0) } }
    }
    #expect(try tokens(seed: 3) == tokens(seed: 3))
    #expect(try tokens(seed: 3) != tokens(seed: 4))
  }

  @Test func impossibleTokensAreNeverDrawn() throws {
    var options = SamplingOptions()
    (options.temperature, options.topK, options.topP) = (50, 0, 1)
    var sampler = try Sampler(options)
    for _ in 0..<200 {
      let token = try withLogits([-.infinity, 1, -.infinity, 1]) { try sampler.sample($0) }
      #expect(token == 1 || token == 3)
    }
  }

  @Test(arguments: [Float(0), 0.8], [0, 2]) func badLogitsAreErrors(temperature: Float, topK: Int) throws {
    var options = SamplingOptions()
    (options.temperature, options.topK) = (temperature, topK)
    var sampler = try Sampler(options)
    for bad in [Float.nan, .infinity] {
      var values = [Float](repeating: 0, count: 40)
      values[33] = bad
      let error = #expect(throws: SamplingError.self) { try withLogits(values) { try sampler.sample($0) } }
      guard case .badLogit(33, _) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
    #expect(throws: SamplingError.nothingPossible) {
      try withLogits([-.infinity, -.infinity]) { try sampler.sample($0) }
    }
    #expect(throws: SamplingError.nothingPossible) { try withLogits([]) { try sampler.sample($0) } }
  }

  @Test func extremeLogitsAndTemperaturesTerminate() throws {
    let logits: [Float] = [.greatestFiniteMagnitude, 1, 0, -1, -.greatestFiniteMagnitude]
    for temperature in [Float.leastNonzeroMagnitude, 1e-20, 1, .greatestFiniteMagnitude] {
      var options = SamplingOptions()
      (options.temperature, options.topK, options.topP) = (temperature, 0, 1)
      var sampler = try Sampler(options)
      let ids = try withLogits(logits) { try sampler.distribution($0).map(\.id) }
      #expect(ids.first == 0)
      #expect(try withLogits(logits) { try sampler.sample($0) } >= 0)
    }
  }

  @Test func optionsOutsideTheirRangeAreNamed() {
    let changes: [(String, (inout SamplingOptions) -> Void)] = [
      ("temperature", { $0.temperature = -1 }), ("temperature", { $0.temperature = .nan }),
      ("top-k", { $0.topK = -1 }), ("top-p", { $0.topP = 0 }), ("top-p", { $0.topP = 1.5 }),
      ("min-p", { $0.minP = 2 }), ("repetition", { $0.repetitionPenalty = 0 }),
      ("frequency", { $0.frequencyPenalty = .infinity }), ("presence", { $0.presencePenalty = .nan }),
      ("bias", { $0.logitBias = [-1: 0] }), ("bias", { $0.logitBias = [1: .nan] }),
    ]
    for (name, change) in changes {
      var options = SamplingOptions()
      change(&options)
      let error = #expect(throws: SamplingError.self) { try Sampler(options) }
      #expect(error?.description.contains(name) == true)
    }
    #expect(throws: SamplingError.biasOutOfRange(token: 9, vocabulary: 3)) {
      var options = SamplingOptions()
      options.logitBias = [9: 1]
      var sampler = try Sampler(options)
      _ = try withLogits([1, 2, 3]) { try sampler.sample($0) }
    }
  }
}

@Suite struct PlausibilityMaskTests {
  private func masked(_ logits: [Float], _ reference: [Float], alpha: Float) throws -> [Float] {
    var logits = logits
    let mask = try #require(PlausibilityMask(alpha: alpha))
    try logits.withUnsafeMutableBufferPointer { logits in
      try reference.withUnsafeBufferPointer { try mask.apply(to: logits, reference: $0) }
    }
    return logits
  }

  @Test(arguments: [1, 15, 16, 17, 35]) func everyTailLengthIsMasked(count: Int) throws {
    let reference = (0..<count).map { Float(-$0) }
    // e⁻² = 0.135, e⁻³ = 0.0498
    let expected: [Float] = (0..<count).map { $0 < 3 ? Float($0) : -.infinity }
    #expect(try masked((0..<count).map(Float.init), reference, alpha: 0.1) == expected)
  }

  @Test func edgesOfAlpha() throws {
    #expect(PlausibilityMask(alpha: 0) == nil)
    #expect(try masked([1, 2, 3], [5, 5, 4], alpha: 1) == [1, 2, -.infinity])
    #expect(try masked([1, 2, 3], [0, -.infinity, 0], alpha: .leastNormalMagnitude) == [1, -.infinity, 3])
    #expect(throws: SamplingError.self) { try masked([1, 2], [.nan, 0], alpha: 0.5) }
    #expect(throws: SamplingError.nothingPossible) { try masked([1], [-.infinity], alpha: 0.5) }
    var options = SamplingOptions()
    for wrong in [-0.1, 1.1, .nan] as [Float] {
      options.plausible = wrong
      #expect(throws: SamplingError.self) { try options.validate() }
    }
  }
}
