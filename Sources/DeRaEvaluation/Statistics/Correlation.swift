import DeRa
import RealModule

/// Where a figure lies with 95 % confidence.
package struct Interval: Sendable, Equatable, Codable {
  package var low: Double
  package var high: Double

  package init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  /// Wilson's score interval of a share of `count` trials.
  package init(wilson successes: Double, of count: Int) {
    let z = 1.959963984540054
    let n = Double(count)
    let share = successes / n
    let centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
    self.init(low: centre - half, high: centre + half)
  }

  /// The percentile bootstrap: the statistic of resamples, with replacement, of `count` independent units.
  /// - Parameters:
  ///   - resamples: how many; the same seed draws the same ones.
  ///   - statistic: gets the units of a resample; values that are not finite are left out.
  package static func bootstrap(
    count: Int, resamples: Int = 4000, seed: UInt64 = 1, _ statistic: ([Int]) -> Double
  ) -> Interval {
    var generator = RandomGenerator(seed: seed)
    return percentiles(
      (0..<resamples).map { _ in
        statistic((0..<count).map { _ in Int.random(in: 0..<count, using: &generator) })
      })
  }

  /// The 2.5th and 97.5th percentile.
  package static func percentiles(_ values: [Double]) -> Interval {
    let sorted = values.filter(\.isFinite).sorted()
    guard !sorted.isEmpty else { return Interval(low: .nan, high: .nan) }
    return Interval(low: percentile(sorted, 0.025), high: percentile(sorted, 0.975))
  }
}

/// Pearson's correlation coefficient; NaN where one side does not vary.
package func pearson(_ left: [Double], _ right: [Double]) -> Double {
  precondition(left.count == right.count, "pairs of values")
  let count = Double(left.count)
  let (leftMean, rightMean) = (left.reduce(0, +) / count, right.reduce(0, +) / count)
  var (cross, leftSquare, rightSquare) = (0.0, 0.0, 0.0)
  for (x, y) in zip(left, right) {
    cross += (x - leftMean) * (y - rightMean)
    leftSquare += (x - leftMean) * (x - leftMean)
    rightSquare += (y - rightMean) * (y - rightMean)
  }
  return cross / (leftSquare * rightSquare).squareRoot()
}

/// Spearman's rank correlation: Pearson's of the ranks, equal values sharing their mean rank.
package func spearman(_ left: [Double], _ right: [Double]) -> Double { pearson(ranks(left), ranks(right)) }

private func ranks(_ values: [Double]) -> [Double] {
  let order = values.indices.sorted { values[$0] < values[$1] }
  var ranks = [Double](repeating: 0, count: values.count)
  var start = 0
  while start < order.count {
    let end = order[start...].firstIndex { values[$0] != values[order[start]] } ?? order.count
    for index in order[start..<end] { ranks[index] = Double(start + end - 1) / 2 }
    start = end
  }
  return ranks
}

/// The first Wasserstein distance of two samples: how far, on average, one must be moved to become the other.
package func wassersteinDistance(_ left: [Double], _ right: [Double]) -> Double {
  let (left, right) = (left.sorted(), right.sorted())
  let places = (left + right).sorted()
  var (below, beside, distance) = (0, 0, 0.0)
  for (place, next) in zip(places, places.dropFirst()) where next > place {
    while below < left.count && left[below] <= place { below += 1 }
    while beside < right.count && right[beside] <= place { beside += 1 }
    let gap = Double(below) / Double(left.count) - Double(beside) / Double(right.count)
    distance += gap.magnitude * (next - place)
  }
  return distance
}
