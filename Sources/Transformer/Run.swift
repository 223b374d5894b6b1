/// Consecutive tokens of one sequence under one model: what one forward pass computes for it, a column a token.
public struct Run {
  /// Index into the decoder's models. The runs of a pass are ordered by it, so that columns which use the same matrix
  /// lie side by side.
  public var model: Int
  /// Which sequence the tokens belong to: the same number for the same tokens under another model.
  public var sequence: Int
  /// Where the tokens' positions start is the cache's length; the pass extends it by `count`. Not retained, so that a pass
  /// counts no references: whoever makes the run keeps the cache until the pass returns.
  public var cache: Unmanaged<KVCache>
  /// Valid until the pass that runs them returns.
  public var tokens: UnsafePointer<Int32>
  public var count: Int

  public init(model: Int, sequence: Int = 0, cache: KVCache, tokens: UnsafePointer<Int32>, count: Int) {
    self.model = model
    self.sequence = sequence
    self.cache = .passUnretained(cache)
    self.tokens = tokens
    self.count = count
  }
}
