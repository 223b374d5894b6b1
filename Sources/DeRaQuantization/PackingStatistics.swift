/// The errors of packing some weights.
package struct PackingStatistics: Sendable, Equatable {
  /// Weights packed, padding not counted.
  package var weights = 0
  package var squaredWeights = 0.0
  package var squaredError = 0.0
  /// Σ weight · stored value.
  package var product = 0.0
  /// tr(E G Eᵀ) of the errors E and the damped Gram matrix G of the inputs, for one token: the mean square of the outputs'
  /// error, summed over the outputs. 0 for weights packed without error feedback.
  package var outputError = 0.0
  /// Weights too large for the format, stored as the nearest value it has.
  package var saturated = 0

  package init() {}

  /// √(Σ error² / Σ weight²); 0 when all weights are zero, 1 when they are too large for their squares to be summed.
  package var relativeRMS: Double {
    guard squaredWeights > 0 else { return 0 }
    return squaredWeights.isFinite ? (squaredError / squaredWeights).squareRoot() : 1
  }

  /// ⟨weights, stored values⟩ / ⟨weights, weights⟩: what is left of the weights along their own direction. A difference
  /// stored with a gain below 1 acts like a smaller λ. 1 when all weights are zero or too large for their squares.
  package var gain: Double {
    guard squaredWeights > 0, squaredWeights.isFinite, product.isFinite else { return 1 }
    return product / squaredWeights
  }

  package static func += (left: inout Self, right: Self) {
    left.weights += right.weights
    left.squaredWeights += right.squaredWeights
    left.squaredError += right.squaredError
    left.product += right.product
    left.outputError += right.outputError
    left.saturated += right.saturated
  }
}
