import DeRaText

/// The goal of the tensors' storage: a size or a distance from the full-precision blend.
package struct AllocationGoal: Sendable, Equatable, Codable {
  /// Bytes of the whole file.
  package var budget: Int?
  /// Mean KL in nats of the full-precision blend from the stored one, at both ends of the range.
  package var targetKL: Double?
  package var lambdaRange: LambdaRange

  package init(budget: Int? = nil, targetKL: Double? = nil, lambdaRange: LambdaRange = .usual) {
    self.budget = budget
    self.targetKL = targetKL
    self.lambdaRange = lambdaRange
  }
}

/// The λ that a bundle is to be good at.
package struct LambdaRange: Sendable, Equatable, Codable, CustomStringConvertible {
  /// Beyond this no pair of models makes sense.
  private static let limit = 1000.0
  package static let usual = LambdaRange(lower: 0, upper: 2)

  package let lower: Double
  package let upper: Double

  private init(lower: Double, upper: Double) {
    self.lower = lower
    self.upper = upper
  }

  /// `-1:3`; nil for anything but two numbers in order.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
    guard parts.count == 2, let lower = parts[0], let upper = parts[1], lower <= upper,
      max(lower.magnitude, upper.magnitude) <= Self.limit
    else { return nil }
    self.init(lower: lower, upper: upper)
  }

  package var ends: [Double] { lower == upper ? [lower] : [lower, upper] }
  package var description: String { "\(shortest(lower)):\(shortest(upper))" }

  /// Mean of a function over the ends.
  func mean(_ function: (Double) -> Double) -> Double { ends.map(function).reduce(0, +) / Double(ends.count) }
}
