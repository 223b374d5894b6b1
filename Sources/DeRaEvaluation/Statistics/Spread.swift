import DeRaText

/// Repetitions of one measurement: their median and both ends. A machine that does something else now and then moves a mean
/// and makes a deviation larger than the rate itself; these it leaves what they are.
package struct Spread: Sendable, Equatable, Codable {
  package var median: Double
  package var low: Double
  package var high: Double

  package init(median: Double, low: Double, high: Double) {
    self.median = median
    self.low = low
    self.high = high
  }

  /// All 0 without values.
  package init(_ values: [Double]) {
    let sorted = values.sorted()
    self.init(
      median: sorted.isEmpty ? 0 : percentile(sorted, 0.5), low: sorted.first ?? 0, high: sorted.last ?? 0)
  }

  /// All of it divided.
  static func / (spread: Spread, divisor: Double) -> Spread {
    Spread(median: spread.median / divisor, low: spread.low / divisor, high: spread.high / divisor)
  }

  /// `811.0 (807.9–812.4)`; the median alone where nothing varies.
  package func text(_ decimals: Int) -> String {
    let ends = low == high ? "" : " (\(fixed(low, decimals))–\(fixed(high, decimals)))"
    return fixed(median, decimals) + ends
  }
}
