/// Consecutive tokens of one sequence under one model: what one forward pass computes for it, a column a token.
package struct Run {
  /// Index into the decoder's models. The runs of a pass are ordered by it, so that columns which use the same matrix
  /// lie side by side.
  package var model: Int
  /// Which sequence the tokens belong to: the same number for the same tokens under another model.
  package var sequence: Int
  /// Where the tokens' positions start is the cache's length; the pass extends it by `count`. Not retained, so that a pass
  /// counts no references: whoever makes the run keeps the cache until the pass returns.
  package var cache: Unmanaged<KVCache>
  /// Valid until the pass that runs them returns.
  package var tokens: UnsafePointer<Int32>
  package var count: Int

  package init(model: Int, sequence: Int = 0, cache: KVCache, tokens: UnsafePointer<Int32>, count: Int) {
    self.model = model
    self.sequence = sequence
    self.cache = .passUnretained(cache)
    self.tokens = tokens
    self.count = count
  }
}
