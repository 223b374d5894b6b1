internal import CDeRaKernels

/// Heads of an attention layer; `heads` is a multiple of `kvHeads`, head h reads key and value head
/// h / (heads / kvHeads).
package struct AttentionShape: Sendable {
  package var heads: Int
  package var kvHeads: Int
  package var headDim: Int
  /// Multiplies query · key.
  package var scale: Float

  package init(heads: Int, kvHeads: Int, headDim: Int, scale: Float) {
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDim = headDim
    self.scale = scale
  }

  /// Query heads that read the same keys and values.
  package var group: Int { heads / kvHeads }
}

/// Memory for the attention weights of one group of heads, for every thread.
package struct AttentionScratch: @unchecked Sendable {
  /// `[threads, group, capacity]`
  package var scores: UnsafeMutablePointer<Float>
  /// Positions a column may see at most.
  package var capacity: Int
  /// `[threads, group, headDim]`; only for keys without their bias.
  package var factors: UnsafeMutablePointer<Float>?

  package init(scores: UnsafeMutablePointer<Float>, capacity: Int, factors: UnsafeMutablePointer<Float>? = nil) {
    self.scores = scores
    self.capacity = capacity
    self.factors = factors
  }
}

extension Engine {
  /// output = softmax(scale · query · keysᵀ) · values for every column and head.
  /// - Parameters:
  ///   - queries: `[columns, heads · headDim]`
  ///   - caches: `[columns]`, one view for every column.
  ///   - scratch: for `pool.threads` threads, of at least the longest `visible`.
  ///   - output: `[columns, heads · headDim]`, not `queries`.
  package func attention(
    _ queries: Panel, caches: UnsafePointer<CacheView>, shape: AttentionShape, scratch: AttentionScratch,
    into output: Panel
  ) {
    precondition(shape.kvHeads > 0 && shape.heads % shape.kvHeads == 0, "heads is no multiple of kvHeads")
    precondition(queries.width == shape.heads * shape.headDim && queries.width == output.width, "panel of wrong width")
    precondition(queries.columns <= output.columns, "output too short")
    var elements = 0
    for column in 0..<queries.columns {
      let cache = caches[column]
      let count = cache.visible.count
      precondition(count <= scratch.capacity, "scratch too small")
      precondition(count <= cache.keys.slots && cache.keys.slots == cache.values.slots, "positions no longer held")
      precondition(cache.keyBias == nil || scratch.factors != nil, "no room for a bias's factors")
      elements += 2 * count * shape.headDim
    }
    let items = queries.columns * shape.heads
    let wanted = chunks(items: items, elements: elements / max(queries.columns, 1))
    // Few groups are cut between heads: that reads some keys and values twice, but leaves no thread idle.
    let groups = queries.columns * shape.kvHeads
    let areMany = groups >= 2 * pool.threads
    let job = AttentionJob(
      kernels: kernels, queries: queries, caches: caches, shape: shape, scratch: scratch, output: output,
      unit: areMany ? shape.group : 1, chunks: min(wanted, areMany ? groups : pool.threads))
    pool.run(job, chunks: job.chunks)
  }
}

/// The heads of all columns, column after column, in chunks of whole units.
private struct AttentionJob: ParallelJob {
  let kernels: UnsafePointer<ck_kernels>
  let queries: Panel
  let caches: UnsafePointer<CacheView>
  let shape: AttentionShape
  let scratch: AttentionScratch
  let output: Panel
  /// Heads that stay in one chunk.
  let unit: Int
  let chunks: Int

  func run(chunk: Int, thread: Int) {
    let units = queries.columns * shape.heads / unit
    var head = units * chunk / chunks * unit
    let end = units * (chunk + 1) / chunks * unit
    while head < end {
      let next = min((head / shape.group + 1) * shape.group, end)
      attend(column: head / shape.heads, head: head % shape.heads, count: next - head, thread: thread)
      head = next
    }
  }

  /// `count` heads of one group, from `head` on.
  private func attend(column: Int, head: Int, count: Int, thread: Int) {
    let cache = caches[column]
    let headDim = shape.headDim
    let kvHead = head / shape.group
    let weights = scratch.scores + thread * shape.group * scratch.capacity
    let query = queries.column(column) + head * headDim
    let result = output.column(column) + head * headDim
    cache.forEachStretch { slot, offset, length in
      kernels.pointee.scores(
        query, count, headDim, cache.keys.view(head: kvHead, slot: slot, headDim: headDim), length, shape.scale,
        weights + offset, scratch.capacity)
    }
    if let bias = cache.keyBias { addBias(bias, cache, query, kvHead, count, to: weights, thread: thread) }
    for index in 0..<count { kernels.pointee.softmax(weights + index * scratch.capacity, cache.visible.count) }
    result.update(repeating: 0, count: count * headDim)
    cache.forEachStretch { slot, offset, length in
      kernels.pointee.mix(
        weights + offset, scratch.capacity, count, cache.values.view(head: kvHead, slot: slot, headDim: headDim),
        length, headDim, result)
    }
  }
}

extension AttentionJob {
  /// scores += scale · query · R_t·bias of `count` heads.
  private func addBias(
    _ bias: KeyBias, _ cache: CacheView, _ query: UnsafePointer<Float>, _ kvHead: Int, _ count: Int,
    to scores: UnsafeMutablePointer<Float>, thread: Int
  ) {
    let headDim = shape.headDim
    guard let factors = scratch.factors.map({ $0 + thread * shape.group * headDim }) else { return }
    for index in 0..<count {
      bias.factors(query + index * headDim, head: kvHead, headDim: headDim, into: factors + index * headDim)
    }
    kernels.pointee.add_scores(
      factors, count, headDim, bias.positions + cache.visible.lowerBound * headDim, cache.visible.count, shape.scale,
      scores, scratch.capacity)
  }
}

extension CacheView {
  /// The visible positions as stretches of neighbouring slots, in order: one, or two where they run over the end.
  @inline(__always)
  fileprivate func forEachStretch(_ body: (_ slot: Int, _ offset: Int, _ length: Int) -> Void) {
    var offset = 0
    while offset < visible.count {
      let slot = (visible.lowerBound + offset) % keys.slots
      let length = min(visible.count - offset, keys.slots - slot)
      body(slot, offset, length)
      offset += length
    }
  }
}
