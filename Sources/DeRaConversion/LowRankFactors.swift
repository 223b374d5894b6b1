import DeRaCheckpoints
import DeRaQuantization

/// left · right, `[rows, rank]` times `[rank, columns]`.
struct LowRankFactors: Sendable {
  let rank: Int
  let rows: Int
  let columns: Int
  private(set) var left: [Float]
  private(set) var right: [Float]
  /// Elements that were NaN or infinite.
  private(set) var nonFinite = 0

  init(rank: Int, left: [Float], right: [Float]) {
    self.rank = rank
    self.left = left
    self.right = right
    rows = left.count / rank
    columns = right.count / rank
  }

  /// An adapter's update, its scale in the left factor; what is not finite is replaced.
  init(_ update: LowRankUpdate) {
    self.init(rank: update.rank, left: update.left.map { $0 * update.scale }, right: update.right)
    nonFinite += left.withUnsafeMutableBufferPointer { NonFinite.replace(in: $0) }
    nonFinite += right.withUnsafeMutableBufferPointer { NonFinite.replace(in: $0) }
  }

  var isZero: Bool { left.allSatisfy { $0 == 0 } || right.allSatisfy { $0 == 0 } }

  /// Gives both factors of every component about the same greatest magnitude, by a power of two, which changes no digit of
  /// the product: adapters have a large right factor and a left one so small that it would be a subnormal half.
  func balanced() -> LowRankFactors {
    var copy = self
    for component in 0..<rank {
      let right = component * columns..<(component + 1) * columns
      let greatestRight = self.right[right].reduce(Float(0)) { max($0, $1.magnitude) }
      let greatestLeft = (0..<rows).reduce(Float(0)) { max($0, left[$1 * rank + component].magnitude) }
      guard greatestLeft.isNormal, greatestRight.isNormal else { continue }
      let steps = (Int(greatestRight.exponent) - Int(greatestLeft.exponent)) / 2
      let factor = Float(sign: .plus, exponent: steps, significand: 1)
      for index in right { copy.right[index] /= factor }
      for row in 0..<rows { copy.left[row * rank + component] *= factor }
    }
    return copy
  }

  /// ⟨this, other⟩, the sum over all elements of the products, from Gram matrices of `rank × rank` and no larger one.
  func product(_ other: LowRankFactors) -> Double {
    var sum = 0.0
    for one in 0..<rank {
      for two in 0..<other.rank {
        var lefts = 0.0
        for row in 0..<rows { lefts += Double(left[row * rank + one]) * Double(other.left[row * other.rank + two]) }
        var rights = 0.0
        for column in 0..<columns {
          rights += Double(right[one * columns + column]) * Double(other.right[two * columns + column])
        }
        sum += lefts * rights
      }
    }
    return sum
  }
}
