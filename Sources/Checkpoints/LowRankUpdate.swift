/// The change of one matrix W as an adapter stores it: W + scale · left · right.
public struct LowRankUpdate: Sendable, Equatable {
  public let rank: Int
  /// `[rows, rank]`
  public let left: [Float]
  /// `[rank, columns]`
  public let right: [Float]
  /// α/rank, or α/√rank for rank-stabilised LoRA.
  public let scale: Float

  package init(rank: Int, left: [Float], right: [Float], scale: Float) {
    self.rank = rank
    self.left = left
    self.right = right
    self.scale = scale
  }
}
