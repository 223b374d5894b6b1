internal import CKernels

/// Where one column's attention reads: its layer's cache of one sequence and the positions it may see.
public struct CacheView: @unchecked Sendable {
  /// f16 `[capacity, kvHeads · headDim]`, a position after the other.
  public var keys: UnsafePointer<UInt16>
  /// f16 `[capacity, kvHeads · headDim]`
  public var values: UnsafePointer<UInt16>
  /// Positions seen, the column's own included; not empty.
  public var visible: Range<Int>

  public init(keys: UnsafePointer<UInt16>, values: UnsafePointer<UInt16>, visible: Range<Int>) {
    self.keys = keys
    self.values = values
    self.visible = visible
  }
}

/// Heads of an attention layer; `heads` is a multiple of `kvHeads`, head h reads key and value head
/// h / (heads / kvHeads).
public struct AttentionShape: Sendable {
  public var heads: Int
  public var kvHeads: Int
  public var headDim: Int
  /// Multiplies query · key.
  public var scale: Float

  public init(heads: Int, kvHeads: Int, headDim: Int, scale: Float) {
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDim = headDim
    self.scale = scale
  }
}

/// Memory for the attention weights of one head, for every thread.
public struct AttentionScratch: @unchecked Sendable {
  /// `[threads, capacity]`
  public var scores: UnsafeMutablePointer<Float>
  /// Positions a column may see at most.
  public var capacity: Int

  public init(scores: UnsafeMutablePointer<Float>, capacity: Int) {
    self.scores = scores
    self.capacity = capacity
  }
}

extension Engine {
  /// output = softmax(scale · query · keysᵀ) · values for every column and head.
  /// - Parameters:
  ///   - queries: `[columns, heads · headDim]`
  ///   - caches: `[columns]`, one view for every column.
  ///   - scratch: for `pool.threads` threads, of at least the longest `visible`.
  ///   - output: `[columns, heads · headDim]`, not `queries`.
  public func attention(
    _ queries: Panel, caches: UnsafePointer<CacheView>, shape: AttentionShape, scratch: AttentionScratch,
    into output: Panel
  ) {
    precondition(shape.kvHeads > 0 && shape.heads % shape.kvHeads == 0, "heads is no multiple of kvHeads")
    precondition(queries.width == shape.heads * shape.headDim && queries.width == output.width, "panel of wrong width")
    precondition(queries.columns <= output.columns, "output too short")
    var elements = 0
    for column in 0..<queries.columns {
      precondition(caches[column].visible.count <= scratch.capacity, "scratch too small")
      elements += 2 * caches[column].visible.count * shape.headDim
    }
    let items = queries.columns * shape.heads
    let count = chunks(items: items, elements: elements / max(queries.columns, 1))
    let job = AttentionJob(
      kernels: kernels, queries: queries, caches: caches, shape: shape, scratch: scratch, output: output,
      columns: items, chunks: count)
    pool.run(job, chunks: count)
  }
}

/// Its "columns" are the heads of all columns, column after column.
private struct AttentionJob: ColumnJob {
  let kernels: UnsafePointer<ck_kernels>
  let queries: Panel
  let caches: UnsafePointer<CacheView>
  let shape: AttentionShape
  let scratch: AttentionScratch
  let output: Panel
  let columns: Int
  let chunks: Int

  func run(column item: Int, thread: Int) {
    let column = item / shape.heads
    let head = item % shape.heads
    let cache = caches[column]
    let count = cache.visible.count
    let stride = shape.kvHeads * shape.headDim
    let kvOffset = cache.visible.lowerBound * stride + head / (shape.heads / shape.kvHeads) * shape.headDim
    let scores = scratch.scores + thread * scratch.capacity
    kernels.pointee.scores(
      queries.column(column) + head * shape.headDim, shape.headDim, cache.keys + kvOffset, stride, count, shape.scale,
      scores)
    kernels.pointee.softmax(scores, count)
    kernels.pointee.mix(
      scores, cache.values + kvOffset, stride, count, shape.headDim, output.column(column) + head * shape.headDim)
  }
}
