/// What the storage of the tensors is chosen for: a size or a distance from the full-precision blend.
public struct AllocationGoal: Sendable, Equatable, Codable {
  /// Bytes of the whole file.
  public var budget: Int?
  /// Mean KL in nats of the full-precision blend from the stored one, at both ends of the range.
  public var targetKL: Double?
  public var lambdaRange: LambdaRange

  public init(budget: Int? = nil, targetKL: Double? = nil, lambdaRange: LambdaRange = .usual) {
    self.budget = budget
    self.targetKL = targetKL
    self.lambdaRange = lambdaRange
  }
}

/// The λ that a bundle is to be good at.
public struct LambdaRange: Sendable, Equatable, Codable, CustomStringConvertible {
  /// Beyond this no pair of models makes sense.
  private static let limit = 1000.0
  public static let usual = LambdaRange(lower: 0, upper: 2)

  public let lower: Double
  public let upper: Double

  private init(lower: Double, upper: Double) {
    self.lower = lower
    self.upper = upper
  }

  /// `-1:3`; nil for anything but two numbers in order.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
    guard parts.count == 2, let lower = parts[0], let upper = parts[1], lower <= upper,
      max(lower.magnitude, upper.magnitude) <= Self.limit
    else { return nil }
    self.init(lower: lower, upper: upper)
  }

  public var ends: [Double] { lower == upper ? [lower] : [lower, upper] }
  public var description: String { "\(NumberText.shortest(lower)):\(NumberText.shortest(upper))" }

  /// Mean of a function over the ends.
  func mean(_ function: (Double) -> Double) -> Double { ends.map(function).reduce(0, +) / Double(ends.count) }
}
