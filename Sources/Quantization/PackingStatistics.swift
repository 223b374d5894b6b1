/// What packing did to some weights.
public struct PackingStatistics: Sendable, Equatable {
  /// Weights packed, padding not counted.
  public var weights = 0
  public var squaredWeights = 0.0
  public var squaredError = 0.0
  /// Weights too large for the format, stored as the nearest value it has.
  public var saturated = 0

  public init() {}

  /// √(Σ error² / Σ weight²); 0 when all weights are zero, 1 when they are too large for their squares to be summed.
  public var relativeRMS: Double {
    guard squaredWeights > 0 else { return 0 }
    return squaredWeights.isFinite ? (squaredError / squaredWeights).squareRoot() : 1
  }

  public static func += (left: inout Self, right: Self) {
    left.weights += right.weights
    left.squaredWeights += right.squaredWeights
    left.squaredError += right.squaredError
    left.saturated += right.saturated
  }
}
