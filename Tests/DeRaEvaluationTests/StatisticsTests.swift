import DeRaEvaluation
import DeRaTestSupport
import FoundationEssentials
import Testing

/// Figures that SciPy, NumPy and the training's rewards computed; made by Tests/Fixtures/study/generate.py.
struct StudyFigures: Decodable {
  struct Sample: Decodable {
    var left: [Double]
    var right: [Double]
    var other: [Double]
    var pearson: Double
    var spearman: Double
    var wasserstein: Double
  }
  struct Share: Decodable {
    var wins: Double
    var count: Int
    var low: Double
    var high: Double
  }
  struct Bootstrap: Decodable {
    var values: [Double]
    var means: [Double]
    var low: Double
    var high: Double
  }

  var statistics: [Sample]
  var shares: [Share]
  var bootstrap: Bootstrap

  static func load() throws -> StudyFigures {
    try JSONDecoder().decode(StudyFigures.self, from: Fixtures.data("study/figures.json"))
  }
}

@Suite struct StatisticsTests {
  private func expectClose(_ actual: Double, _ expected: Double, _ what: String) {
    #expect(abs(actual - expected) < 1e-10, "\(what): \(actual), not \(expected)")
  }

  @Test func correlationsAreSciPys() throws {
    for sample in try StudyFigures.load().statistics {
      expectClose(pearson(sample.left, sample.right), sample.pearson, "Pearson")
      expectClose(spearman(sample.left, sample.right), sample.spearman, "Spearman")
      expectClose(wassersteinDistance(sample.left, sample.other), sample.wasserstein, "Wasserstein")
      #expect(wassersteinDistance(sample.left, sample.left) == 0)
    }
    #expect(pearson([1, 1], [1, 2]).isNaN)
  }

  @Test func wilsonsIntervalIsSciPys() throws {
    for share in try StudyFigures.load().shares {
      let interval = Interval(wilson: share.wins, of: share.count)
      expectClose(interval.low, share.low, "low of \(share.wins)/\(share.count)")
      expectClose(interval.high, share.high, "high of \(share.wins)/\(share.count)")
    }
  }

  @Test func bootstrapDrawsFromAllResamples() throws {
    let figures = try StudyFigures.load().bootstrap
    let all = Interval.percentiles(figures.means)
    expectClose(all.low, figures.low, "low")
    expectClose(all.high, figures.high, "high")
    func mean(_ chosen: [Int]) -> Double { chosen.reduce(0) { $0 + figures.values[$1] } / Double(chosen.count) }
    let drawn = Interval.bootstrap(count: 4, resamples: 20_000, seed: 3, mean)
    // The means lie about 0.1 apart at the ends.
    #expect(abs(drawn.low - figures.low) < 0.15)
    #expect(abs(drawn.high - figures.high) < 0.15)
    let again = Interval.bootstrap(count: 4, seed: 5, mean)
    #expect(Interval.bootstrap(count: 4, seed: 5, mean) == again)
  }
}
