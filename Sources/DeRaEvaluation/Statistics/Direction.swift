/// How well one bundle keeps another's alignment direction d = h_m − h_ref, over all positions.
///
/// Logits are taken relative to their mean over the vocabulary, because a constant added to all of them changes no
/// probability.
package struct DirectionReport: Sendable, Equatable, Codable {
  /// ‖d − d_base‖ / ‖d_base‖
  package var relativeError: Double
  /// ⟨d, d_base⟩ / (‖d‖ ‖d_base‖); nil where nothing is left of the direction.
  package var cosine: Double?
  /// ⟨d, d_base⟩ / ⟨d_base, d_base⟩: 1 keeps the strength, less acts like a smaller λ.
  package var gain: Double

  /// nil where there is no direction to keep: the models compared with are the same.
  package init?(_ sums: DirectionSums) {
    guard sums.base > DirectionSums.nothing else { return nil }
    relativeError = (max(sums.own - 2 * sums.cross + sums.base, 0) / sums.base).squareRoot()
    cosine = sums.own > DirectionSums.nothing ? sums.cross / (sums.own * sums.base).squareRoot() : nil
    gain = sums.cross / sums.base
  }
}

/// Inner products of two directions.
package struct DirectionSums: Sendable, Equatable, Codable {
  package var own = 0.0
  package var base = 0.0
  package var cross = 0.0

  /// Beyond what logits, which are 32-bit floats, can sum up to over a chunk; sums of these do not overflow.
  package static let magnitudeLimit = 1e90
  /// Squares below this are 0: products of two such numbers would be lost.
  static let nothing = 1e-60

  package init() {}

  /// The products at one position.
  package init(own: UnsafeBufferPointer<Float>, base: UnsafeBufferPointer<Float>) {
    var (sumOwn, sumBase) = (0.0, 0.0)
    for index in own.indices {
      let (left, right) = (Double(own[index]), Double(base[index]))
      sumOwn += left
      sumBase += right
      self.own += left * left
      self.base += right * right
      cross += left * right
    }
    let count = Double(own.count)
    self.own -= sumOwn * sumOwn / count
    self.base -= sumBase * sumBase / count
    cross -= sumOwn * sumBase / count
  }

  package static func += (sums: inout DirectionSums, other: DirectionSums) {
    sums.own += other.own
    sums.base += other.base
    sums.cross += other.cross
  }
}
