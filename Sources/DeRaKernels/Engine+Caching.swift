internal import CDeRaKernels

extension Engine {
  /// Rotates the queries and keys of every column in place, then writes the keys and values into the column's cache at
  /// its last visible position; one parallel region.
  /// - Parameters:
  ///   - queries: `[columns, heads · headDim]`
  ///   - keys, values: `[columns, kvHeads · headDim]`
  ///   - caches: `[columns]`; no two columns may write the same position of the same cache.
  package func rotateAndCache(
    queries: Panel, keys: Panel, values: Panel, _ rotations: Rotations, caches: UnsafePointer<CacheView>,
    shape: AttentionShape
  ) {
    precondition(2 * rotations.half == shape.headDim, "rotations for another headDim")
    precondition(queries.width == shape.heads * shape.headDim, "queries of wrong width")
    precondition(keys.width == shape.kvHeads * shape.headDim && keys.width == values.width, "panel of wrong width")
    let columns = queries.columns
    precondition(columns <= min(keys.columns, values.columns, rotations.columns), "a panel has too few columns")
    let count = chunks(items: columns, elements: queries.width + 2 * keys.width)
    let job = CachingJob(
      kernels: kernels, queries: queries, keys: keys, values: values, rotations: rotations.view, caches: caches,
      shape: shape, chunks: count)
    pool.run(job, chunks: count)
  }
}

private struct CachingJob: ColumnJob {
  let kernels: UnsafePointer<ck_kernels>
  let queries: Panel
  let keys: Panel
  let values: Panel
  let rotations: Rotations.View
  let caches: UnsafePointer<CacheView>
  let shape: AttentionShape
  let chunks: Int
  var columns: Int { queries.columns }

  func run(column: Int, thread: Int) {
    let headDim = shape.headDim
    let cache = caches[column]
    let position = cache.visible.upperBound - 1
    for head in 0..<shape.heads { rotate(queries.column(column) + head * headDim, column) }
    for head in 0..<shape.kvHeads {
      let key = keys.column(column) + head * headDim
      rotate(key, column)
      cache.keys.write(key, head: head, position: position, headDim: headDim, by: kernels)
      cache.values.write(
        values.column(column) + head * headDim, head: head, position: position, headDim: headDim, by: kernels)
    }
  }

  private func rotate(_ vector: UnsafeMutablePointer<Float>, _ column: Int) {
    let half = rotations.half
    kernels.pointee.rope(vector, half, rotations.cosines + column * half, rotations.sines + column * half)
  }
}
