/// The change of one matrix W as an adapter stores it: W + scale · left · right.
package struct LowRankUpdate: Sendable, Equatable {
  package let rank: Int
  /// `[rows, rank]`
  package let left: [Float]
  /// `[rank, columns]`
  package let right: [Float]
  /// α/rank, or α/√rank for rank-stabilised LoRA.
  package let scale: Float

  package init(rank: Int, left: [Float], right: [Float], scale: Float) {
    self.rank = rank
    self.left = left
    self.right = right
    self.scale = scale
  }
}
