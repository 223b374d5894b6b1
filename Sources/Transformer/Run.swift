/// Consecutive tokens of one sequence under one model: what one forward pass computes for it, a column a token.
public struct Run {
  /// Index into the decoder's models. The runs of a pass are ordered by it, so that columns which use the same matrix
  /// lie side by side.
  public var model: Int
  /// Where the tokens' positions start is the cache's length; the pass extends it by `count`.
  public var cache: Unmanaged<KVCache>
  /// Valid until the pass that runs them returns.
  public var tokens: UnsafePointer<Int32>
  public var count: Int

  public init(model: Int, cache: KVCache, tokens: UnsafePointer<Int32>, count: Int) {
    self.model = model
    self.cache = .passUnretained(cache)
    self.tokens = tokens
    self.count = count
  }
}
