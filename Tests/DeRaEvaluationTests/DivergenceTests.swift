import DeRa
import DeRaEvaluation
import DeRaTestSupport
import FoundationEssentials
import Testing

/// Random logits and what numpy computed from them in float64; made by Tests/Fixtures/evaluation/generate.py.
private struct Oracle: Decodable {
  var rows: Int
  var vocabulary: Int
  var report: DivergenceReport
  var direction: DirectionReport

  /// Base logits, those compared with them, both `[rows, vocabulary]`, and the targets `[rows]`.
  static func load() throws -> (oracle: Oracle, base: [Float], own: [Float], targets: [Int]) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let oracle = try decoder.decode(Oracle.self, from: Fixtures.data("evaluation/divergence.json"))
    let values = try Fixtures.floats("evaluation/divergence.f32")
    let count = oracle.rows * oracle.vocabulary
    return (oracle, Array(values[..<count]), Array(values[count..<2 * count]), values[(2 * count)...].map { Int($0) })
  }

  /// The rows of logits scored as the command does.
  static func scored() throws -> (oracle: Oracle, scores: TokenScores, direction: DirectionReport) {
    let (oracle, base, own, targets) = try load()
    var scores = TokenScores()
    var sums = DirectionSums()
    base.withUnsafeBufferPointer { base in
      own.withUnsafeBufferPointer { own in
        for row in 0..<oracle.rows {
          let range = row * oracle.vocabulary..<(row + 1) * oracle.vocabulary
          let (left, right) = (UnsafeBufferPointer(rebasing: own[range]), UnsafeBufferPointer(rebasing: base[range]))
          scores.append(TokenScore(left, base: right, target: targets[row]), compares: true)
          sums += DirectionSums(own: left, base: right)
        }
      }
    }
    return (oracle, scores, try #require(DirectionReport(sums)))
  }
}

@Suite struct DivergenceTests {
  /// Relative, and absolute below 1.
  private func expectClose(_ actual: Double?, _ expected: Double?, _ what: String) {
    guard let actual, let expected else { return #expect(actual == expected, "\(what)") }
    #expect(abs(actual - expected) <= 1e-5 * max(1, abs(expected)), "\(what): \(actual), not \(expected)")
  }

  private func expectClose(_ actual: Estimate, _ expected: Estimate, _ what: String) {
    expectClose(actual.value, expected.value, what)
    expectClose(actual.error, expected.error, "\(what), error")
  }

  private func expectClose(
    _ actual: DivergenceReport.Summary, _ expected: DivergenceReport.Summary, _ what: String
  ) {
    expectClose(actual.mean, expected.mean, "mean \(what)")
    expectClose(actual.minimum, expected.minimum, "minimum \(what)")
    expectClose(actual.maximum, expected.maximum, "maximum \(what)")
    #expect(actual.percentiles.count == expected.percentiles.count)
    for (index, pair) in zip(actual.percentiles, expected.percentiles).enumerated() {
      expectClose(pair.0, pair.1, "percentile \(index) of \(what)")
    }
  }

  @Test func everyFigureIsNumpys() throws {
    let (oracle, scores, _) = try Oracle.scored()
    let (actual, expected) = (DivergenceReport(scores), oracle.report)
    #expect(actual.tokens == expected.tokens)
    expectClose(actual.perplexity, expected.perplexity, "PPL")
    expectClose(actual.basePerplexity, expected.basePerplexity, "PPL(base)")
    expectClose(actual.correlation, expected.correlation, "correlation")
    expectClose(actual.logRatio, expected.logRatio, "ln ratio")
    expectClose(actual.ratio, expected.ratio, "ratio")
    expectClose(actual.difference, expected.difference, "difference")
    expectClose(actual.divergence, expected.divergence, "KLD")
    expectClose(actual.probabilityChange, expected.probabilityChange, "Δp")
    expectClose(actual.probabilityChangeRMS, expected.probabilityChangeRMS, "RMS Δp")
    expectClose(actual.sameTop, expected.sameTop, "same top p")
  }

  @Test func directionsAreNumpys() throws {
    let (oracle, _, direction) = try Oracle.scored()
    expectClose(direction.relativeError, oracle.direction.relativeError, "relative error")
    expectClose(direction.cosine, oracle.direction.cosine, "cosine")
    expectClose(direction.gain, oracle.direction.gain, "gain")
  }

  @Test func textHasTheKnownLabelsInOrder() throws {
    let (_, scores, _) = try Oracle.scored()
    let labels = [
      "====== Perplexity statistics ======", "Mean PPL(Q)                   :", "Mean PPL(base)                :",
      "Cor(ln(PPL(Q)), ln(PPL(base))):", "Mean ln(PPL(Q)/PPL(base))     :", "Mean PPL(Q)/PPL(base)         :",
      "Mean PPL(Q)-PPL(base)         :", "", "====== KL divergence statistics ======", "Mean    KLD:", "Maximum KLD:",
      "99.9%   KLD:", "99.0%   KLD:", "95.0%   KLD:", "90.0%   KLD:", "Median  KLD:", "10.0%   KLD:", " 5.0%   KLD:",
      " 1.0%   KLD:", " 0.1%   KLD:", "Minimum KLD:", "", "====== Token probability statistics ======", "Mean    Δp:",
      "Maximum Δp:", "99.9%   Δp:", "99.0%   Δp:", "95.0%   Δp:", "90.0%   Δp:", "75.0%   Δp:", "Median  Δp:",
      "25.0%   Δp:", "10.0%   Δp:", " 5.0%   Δp:", " 1.0%   Δp:", " 0.1%   Δp:", "Minimum Δp:", "RMS Δp    :",
      "Same top p:", "",
    ]
    let lines = DivergenceReport(scores).text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == labels.count)
    for (line, label) in zip(lines, labels) {
      #expect(line.hasPrefix(label) && (label.last == ":") == (line != label), "\(line)")
    }
    // The formats of C's %10.6f ± %10.6f, %6.3f%% and %6.3f ± %5.3f %%.
    #expect(lines[9] == "Mean    KLD:   0.092297 ±   0.005285")
    #expect(lines[24] == "Maximum Δp: 28.176%")
    #expect(lines[37] == "RMS Δp    : 10.117 ± 0.654 %")
  }

  @Test func sameDistributionsDiverge0() {
    let row: [Float] = [1, -2, 0.5, 3, 3]
    let score = row.withUnsafeBufferPointer { TokenScore($0, base: $0, target: 2) }
    #expect(score.divergence == 0 && score.probabilityChange == 0 && score.sameTop)
    var scores = TokenScores()
    for _ in 0..<3 { scores.append(score, compares: true) }
    let report = DivergenceReport(scores)
    #expect(report.correlation == nil && report.logRatio.value == 0 && report.probabilityChangeRMS.error == 0)
    #expect(DirectionReport(DirectionSums()) == nil)
  }

  @Test(arguments: [Float.nan, .infinity]) func whatIsNotFiniteShows(value: Float) {
    for index in 0..<11 {
      var row = [Float](repeating: 1, count: 11)
      row[index] = value
      let (score, compared) = row.withUnsafeBufferPointer { row in
        let other = [Float](repeating: 0, count: 11)
        return (
          TokenScore(row, target: 0), other.withUnsafeBufferPointer { TokenScore($0, base: row, target: 0) }
        )
      }
      #expect(!score.isFinite && !compared.isFinite, "at \(index)")
    }
  }

  @Test func impossibleTokensAddNothing() {
    let (p, q): ([Float], [Float]) = ([0, -.infinity, 1], [0, -.infinity, 1])
    let divergence = p.withUnsafeBufferPointer { p in
      q.withUnsafeBufferPointer { q in LogitDistribution.compare(p: p, q: q).divergence }
    }
    #expect(divergence == 0)
  }
}

@Suite struct TextChunksTests {
  @Test func chunksBeginWithTheBeginning() throws {
    let chunks = try TextChunks(tokens: Array(0..<21), context: 8, beginning: 99)
    #expect(chunks.count == 2)
    #expect(chunks[0] == [99, 1, 2, 3, 4, 5, 6, 7])
    #expect(chunks[1] == [99, 9, 10, 11, 12, 13, 14, 15])
    #expect(chunks.firstScored == 4 && chunks.scoredTokens == 3)
    #expect(try TextChunks(tokens: Array(0..<21), context: 7, beginning: nil)[2] == Array(14..<21))
    #expect(try TextChunks(tokens: Array(0..<21), context: 7, beginning: nil, limit: 1).count == 1)
  }

  @Test func whatCannotBeCutIsRefused() {
    #expect(throws: EvaluationError.textTooShort(tokens: 3, context: 4)) {
      try TextChunks(tokens: [1, 2, 3], context: 4, beginning: nil)
    }
    #expect(throws: EvaluationError.contextTooSmall(3)) {
      try TextChunks(tokens: [1, 2, 3], context: 3, beginning: nil)
    }
  }
}
