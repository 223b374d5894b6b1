/// How a file's format rounds a tensor's weights.
package struct Quantisation: Sendable, Equatable {
  /// Columns that share a scale.
  package let block: Int
  /// Steps from the least to the greatest value of a block.
  package let levels: Int

  package init(block: Int, levels: Int) {
    self.block = block
    self.levels = levels
  }
}
