/// How far the weights of an aligned model are from the reference's, of those that were compared.
struct TensorDifference: Sendable {
  private(set) var weights = 0
  /// Weights that have the same bits in both.
  private(set) var identical = 0
  private(set) var squaredReference = 0.0
  private(set) var squaredDifference = 0.0
  /// Every weight of both is a bfloat16 number.
  private(set) var isAllBF16 = true

  /// |D| / |W|; 0 where both are zero.
  var relative: Double {
    squaredDifference == 0 ? 0 : squaredReference == 0 ? .infinity : (squaredDifference / squaredReference).squareRoot()
  }

  mutating func add(reference: [Float], aligned: [Float]) {
    weights += reference.count
    var lowBits: UInt32 = 0
    reference.withUnsafeBufferPointer { reference in
      aligned.withUnsafeBufferPointer { aligned in
        for start in stride(from: 0, to: reference.count, by: 4096) {
          var (same, squares, differences) = (0, Float(0), Float(0))
          for index in start..<min(reference.count, start + 4096) {
            let (one, other) = (reference[index], aligned[index])
            lowBits |= (one.bitPattern | other.bitPattern) & 0xffff
            same += one.bitPattern == other.bitPattern ? 1 : 0
            squares += one * one
            differences += (other - one) * (other - one)
          }
          identical += same
          squaredReference += Double(squares)
          squaredDifference += Double(differences)
        }
      }
    }
    isAllBF16 = isAllBF16 && lowBits == 0
  }

  static func += (left: inout Self, right: Self) {
    left.weights += right.weights
    left.identical += right.identical
    left.squaredReference += right.squaredReference
    left.squaredDifference += right.squaredDifference
    left.isAllBF16 = left.isAllBF16 && right.isAllBF16
  }
}

/// The part that a stored change keeps of the difference D that it stands for.
struct ChangeStatistics: Sendable {
  /// Σ W² of the reference, Σ D², Σ (stored − D)², Σ stored · D.
  var squaredReference = 0.0
  var squaredDifference = 0.0
  var squaredError = 0.0
  var product = 0.0

  static func += (left: inout Self, right: Self) {
    left.squaredReference += right.squaredReference
    left.squaredDifference += right.squaredDifference
    left.squaredError += right.squaredError
    left.product += right.product
  }

  /// |D| / |W|
  var relativeDifference: Double { squaredReference > 0 ? (squaredDifference / squaredReference).squareRoot() : 0 }
  /// |stored − D| / |D|
  var relativeError: Double { squaredDifference > 0 ? (squaredError / squaredDifference).squareRoot() : 0 }
  /// ⟨stored, D⟩ / ⟨D, D⟩
  var gain: Double { squaredDifference > 0 ? product / squaredDifference : 1 }
}
