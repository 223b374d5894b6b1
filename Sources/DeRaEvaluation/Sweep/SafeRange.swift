import DeRaText

/// How far λ can go before sampling fails, found by bisection.
///
/// Each criterion is compared with the worse of λ = 0 and λ = 1. The search assumes that a criterion, once it fails, fails
/// further out as well.
package struct SafeRange: Codable, Sendable, Equatable {
  /// A way to fail, and where it sets in.
  package struct Failure: Codable, Sendable, Equatable {
    package var criterion: String
    /// The threshold that was crossed.
    package var threshold: Double
    /// The last λ that passed and the first that failed, below 0; nil where the whole range passed.
    package var below: Edge?
    /// The same above 1.
    package var above: Edge?
  }

  package struct Edge: Codable, Sendable, Equatable {
    package var passes: Double
    package var fails: Double

    package init(passes: Double, fails: Double) {
      self.passes = passes
      self.fails = fails
    }

    /// Bisects between a λ that passes and another; nil where that one passes too.
    package init?(passes: Double, outer: Double, tolerance: Double, _ fail: (Double) throws -> Bool) rethrows {
      guard passes != outer, try fail(outer) else { return nil }
      self.init(passes: passes, fails: outer)
      while abs(fails - self.passes) > tolerance {
        let middle = (self.passes + fails) / 2
        if try fail(middle) { fails = middle } else { self.passes = middle }
      }
    }
  }

  /// The range that was searched.
  package var searched: [Double]
  package var tolerance: Double
  package var failures: [Failure]
  /// The smallest and largest λ that passed every criterion; the ends of what was searched where nothing failed.
  package var low: Double
  package var high: Double
  /// Every λ that was looked at, ascending.
  package var probes: [Probe]

  package struct Probe: Codable, Sendable, Equatable {
    package var lambda: Double
    package var values: [String: Double]
  }

  /// A condition that fails, by the figure of a sweep that shows it.
  package struct Criterion: Sendable {
    package var name: String
    package var metric: String
    /// The threshold, given the figures at λ = 0 and λ = 1.
    var threshold: @Sendable (Double, Double) -> Double
    var failsAbove: Bool

    func fails(_ value: Double, _ threshold: Double) -> Bool { failsAbove ? value > threshold : value < threshold }
  }

  /// Share of the entropy that must be left, and how much repetition and unsupported tokens may grow.
  package static let entropyShare = 0.5
  package static let repetitionGrowth = 0.1
  package static let unsupportedGrowth = 0.1

  package static let criteria = [
    Criterion(
      name: "entropy collapse", metric: "entropy", threshold: { entropyShare * min($0, $1) }, failsAbove: false),
    Criterion(
      name: "repetition", metric: "repetition", threshold: { max($0, $1) + repetitionGrowth }, failsAbove: true),
    Criterion(
      name: "outside the reference's support", metric: "unsupported", threshold: { max($0, $1) + unsupportedGrowth },
      failsAbove: true),
  ]

  /// - Parameters:
  ///   - low: where to stop below 0.
  ///   - high: where to stop above 1.
  ///   - tolerance: how close the λ that passes and the one that fails must come.
  ///   - measure: the figures of a sweep under a λ; called once for each.
  /// - Throws: what `measure` throws.
  package init(
    low: Double, high: Double, tolerance: Double, measure: (_ lambda: Double) throws -> [String: Double]
  ) throws {
    var known: [Double: [String: Double]] = [:]
    func value(_ metric: String, _ lambda: Double) throws -> Double {
      if let values = known[lambda] { return values[metric] ?? 0 }
      let values = try measure(lambda)
      known[lambda] = values
      return values[metric] ?? 0
    }
    /// The edge between `inner`, which passes, and `outer`.
    func edge(_ criterion: Criterion, _ threshold: Double, _ inner: Double, _ outer: Double) throws -> Edge? {
      func fails(_ lambda: Double) throws -> Bool { criterion.fails(try value(criterion.metric, lambda), threshold) }
      return try Edge(passes: inner, outer: outer, tolerance: tolerance, fails)
    }
    var failures: [Failure] = []
    for criterion in Self.criteria {
      let threshold = criterion.threshold(try value(criterion.metric, 0), try value(criterion.metric, 1))
      failures.append(
        Failure(
          criterion: criterion.name, threshold: threshold, below: try edge(criterion, threshold, 0, min(low, 0)),
          above: try edge(criterion, threshold, 1, max(high, 1))))
    }
    searched = [low, high]
    self.tolerance = tolerance
    self.failures = failures
    self.low = failures.compactMap { $0.below?.passes }.max() ?? min(low, 0)
    self.high = failures.compactMap { $0.above?.passes }.min() ?? max(high, 1)
    probes = known.sorted { $0.key < $1.key }.map { Probe(lambda: $0.key, values: $0.value) }
  }

  /// `-1.25 ≤ λ ≤ 3.50`
  package var interval: String { "\(number(low)) ≤ λ ≤ \(number(high))" }

  /// `safe range: -1.25 ≤ λ ≤ 3.50`, and what ends it on either side.
  package var text: String {
    func reason(_ edge: KeyPath<Failure, Edge?>, _ value: Double) -> String {
      let names = failures.filter { $0[keyPath: edge]?.passes == value }.map(\.criterion)
      return names.isEmpty ? "nothing failed as far as was searched" : names.joined(separator: ", ")
    }
    return """
      safe range: \(interval)
      below: \(reason(\.below, low)); above: \(reason(\.above, high))

      """
  }

  /// Finer than the bisection.
  func number(_ value: Double) -> String { lambdaText(value) }
}

/// λ with two decimals, whole ones without.
func lambdaText(_ value: Double) -> String { fixed(value, value == value.rounded() ? 0 : 2) }
