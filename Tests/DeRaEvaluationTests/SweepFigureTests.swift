import DeRa
import DeRaEvaluation
import DeRaTestSupport
import FoundationEssentials
import Testing

/// Random logits along an answer and what NumPy and SciPy make of them; see Tests/Fixtures/sweep/generate.py.
private struct Oracle: Decodable {
  struct Figures: Decodable {
    var logLikelihoods: [Double]
    var policy: Double?
    var kl: Double
    var entropy: Double
    var unsupported: Double

    enum CodingKeys: String, CodingKey {
      case policy, kl, entropy, unsupported
      case logLikelihoods = "log_likelihoods"
    }
  }
  struct Text: Decodable {
    var tokens: [Int32]
    var values: [String: Double]
  }
  struct Interval: Decodable {
    var groups: [[Double]]
    var kind: String
    var mean: Double
    var low: Double?
    var high: Double?

    var range: ValueRange {
      switch kind {
      case "share": .share
      case "positive": .nonNegative
      case "negative": .nonPositive
      default: .any
      }
    }
  }
  var models: Int
  var vocabulary: Int
  var alpha: Float
  var tokens: [Int]
  var plain: Figures
  var masked: Figures
  var variety: [Text]
  var intervals: [Interval]
  var quantiles: [String: Double]

  static func load() throws -> Oracle {
    try JSONDecoder().decode(Oracle.self, from: Fixtures.data("sweep/figures.json"))
  }

  /// Logits `[models + 2, tokens, vocabulary]`: the models', the blend's, the blend's under the mask.
  func logits() throws -> [Float] { try Fixtures.floats("sweep/figures.f32") }
}

@Suite struct SweepFigureTests {
  private func expectClose(_ actual: Double, _ expected: Double, _ what: String) {
    #expect(abs(actual - expected) <= 1e-9 * max(1, abs(expected)), "\(what): \(actual), not \(expected)")
  }

  @Test(arguments: [false, true]) func figuresOfAnAnswerAreNumpys(isMasked: Bool) throws {
    let oracle = try Oracle.load()
    let logits = try oracle.logits()
    let names = ["reference", "a", "b"]
    var figures = AnswerFigures(models: oracle.models)
    logits.withUnsafeBufferPointer { logits in
      for (position, token) in oracle.tokens.enumerated() {
        let rows = (0..<oracle.models + 2).map { part in
          let start = (part * oracle.tokens.count + position) * oracle.vocabulary
          return UnsafeBufferPointer(rebasing: logits[start..<start + oracle.vocabulary])
        }
        figures.add(
          token: token, policy: rows[oracle.models + (isMasked ? 1 : 0)], reference: rows[0],
          models: Array(rows[..<oracle.models]))
      }
    }
    let values = figures.values(models: names)
    let expected = isMasked ? oracle.masked : oracle.plain
    for (name, value) in zip(names, expected.logLikelihoods) {
      expectClose(try #require(values["log_likelihood.\(name)"]), value, name)
    }
    expectClose(try #require(values["kl"]), expected.kl, "KL")
    expectClose(try #require(values["entropy"]), expected.entropy, "entropy")
    expectClose(try #require(values["unsupported"]), expected.unsupported, "unsupported")
    // Under the mask the answer has tokens of probability 0.
    #expect((values["log_likelihood.policy"] == nil) == isMasked)
    if let policy = expected.policy { expectClose(figures.policyLogLikelihood, policy, "policy") }
  }

  @Test func maskLeavesWhatNumpyLeaves() throws {
    let oracle = try Oracle.load()
    let logits = try oracle.logits()
    let size = oracle.tokens.count * oracle.vocabulary
    let mask = try #require(PlausibilityMask(alpha: oracle.alpha))
    for position in oracle.tokens.indices {
      func row(_ part: Int) -> [Float] {
        Array(logits[part * size + position * oracle.vocabulary..<part * size + (position + 1) * oracle.vocabulary])
      }
      var policy = row(oracle.models)
      try policy.withUnsafeMutableBufferPointer { policy in
        try row(0).withUnsafeBufferPointer { try mask.apply(to: policy, reference: $0) }
      }
      #expect(policy == row(oracle.models + 1))
    }
  }

  @Test func varietyIsNumpys() throws {
    for text in try Oracle.load().variety {
      let values = Variety.values(text.tokens)
      #expect(Set(values.keys) == Set(text.values.keys), "\(text.tokens)")
      for (name, value) in text.values { expectClose(try #require(values[name]), value, name) }
    }
  }

  @Test func intervalsAreScipys() throws {
    let oracle = try Oracle.load()
    for (degrees, quantile) in oracle.quantiles {
      expectClose(studentQuantile(degrees: try #require(Int(degrees))), quantile, "t for \(degrees)")
    }
    for expected in oracle.intervals {
      let interval = try #require(ConfidenceInterval(expected.groups, in: expected.range))
      expectClose(interval.mean, expected.mean, "mean")
      #expect((interval.low == nil) == (expected.low == nil) && (interval.high == nil) == (expected.high == nil))
      guard let low = expected.low, let high = expected.high else { continue }
      expectClose(try #require(interval.low), low, "low end, \(expected.kind)")
      expectClose(try #require(interval.high), high, "high end, \(expected.kind)")
      let possible: ClosedRange<Double> =
        switch expected.range {
        case .any: -(.infinity) ... .infinity
        case .nonNegative: 0 ... .infinity
        case .nonPositive: -(.infinity)...0
        case .share: 0...1
        }
      #expect(possible.contains(low) && possible.contains(high))
    }
    #expect(ConfidenceInterval([]) == nil && ConfidenceInterval([[]]) == nil)
  }
}

@Suite struct SafeRangeTests {
  /// Entropy collapses at 3.3, repetition sets in at −2 and 5, nothing leaves the support.
  private func figures(_ lambda: Double) -> [String: Double] {
    ["entropy": lambda > 3.3 ? 0.9 : 2, "repetition": lambda < -2 || lambda > 5 ? 0.5 : 0.1, "unsupported": 0]
  }

  @Test func edgesAreFoundOnce() throws {
    var asked: [Double] = []
    let range = try SafeRange(low: -8, high: 8, tolerance: 0.125) { lambda in
      asked.append(lambda)
      return figures(lambda)
    }
    #expect(Set(asked).count == asked.count, "a λ is measured once")
    #expect(range.probes.map(\.lambda) == asked.sorted())
    let names = range.failures.map(\.criterion)
    #expect(names == ["entropy collapse", "repetition", "outside the reference's support"])
    let entropy = try #require(range.failures[0].above)
    #expect(entropy.passes <= 3.3 && entropy.fails > 3.3 && entropy.fails - entropy.passes <= 0.125)
    #expect(range.failures[0].below == nil)
    let repetition = try #require(range.failures[1].below)
    #expect(repetition.passes >= -2 && repetition.fails < -2 && repetition.passes - repetition.fails <= 0.125)
    #expect(range.failures[2].below == nil && range.failures[2].above == nil)
    #expect(range.low == repetition.passes && range.high == entropy.passes)
    #expect(range.text.contains("below: repetition; above: entropy collapse"))
  }

  @Test func whatNeverFailsIsSafeAsFarAsWasSearched() throws {
    let range = try SafeRange(low: 0, high: 2, tolerance: 0.125) { _ in figures(1) }
    #expect(range.low == 0 && range.high == 2)
    #expect(range.text.contains("nothing failed"))
  }
}

@Suite struct ShardTests {
  @Test(arguments: ["0/2", "3/2", "1", "1/", "/2", "-1/2", "1/2/3", "a/b", "1/0", "1/100001"])
  func nonsenseIsNoShard(text: String) { #expect(Shard(text) == nil) }

  @Test func everyItemBelongsToOneShard() throws {
    let shards = try (1...3).map { try #require(Shard("\($0)/3")) }
    for item in 0..<10 { #expect(shards.filter { $0.includes(item) }.count == 1) }
    try Shard.checkComplete(shards.reversed())
    for wrong in [[shards[0], shards[1]], [shards[0], shards[0], shards[2]], [.whole, shards[0]], []] {
      #expect(throws: MergeError.self) { try Shard.checkComplete(wrong) }
    }
    let data = try JSONEncoder().encode(shards)
    #expect(try JSONDecoder().decode([Shard].self, from: data) == shards)
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(Shard.self, from: Data("\"4/3\"".utf8)) }
  }
}
