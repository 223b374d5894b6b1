import DeRaKernels
import DeRaTensorCore

extension Decoder {
  /// Whether a layer's keys are cached without their bias.
  func splitsKeyBias(_ layer: Int, _ state: DecoderState) -> Bool {
    state.positions(sliding: false) != nil && layers[layer].keyNorm == nil
  }

  /// Rotates queries and keys, writes the pass's keys and values into the caches, then lets every column attend to what
  /// it may see.
  /// - Parameter slides: whether a column sees the sliding window only, or everything before it.
  func attention(_ layer: Int, slides: Bool, _ pass: Pass, _ state: DecoderState) {
    let arena = state.arena
    let positions = splitsKeyBias(layer, state) ? state.positions(sliding: slides) : nil
    let window = slides ? configuration.slidingWindow : nil
    for column in 0..<pass.count {
      let cache = arena.columns[column].cache[layer]
      let position = Int(arena.positions[column])
      let first = window.map { max(position + 1 - $0, 0) } ?? 0
      (arena.views + column).initialize(
        to: CacheView(keys: cache.keys, values: cache.values, visible: first..<position + 1))
    }
    for group in pass.groups {
      guard let positions, let bias = layers[group.model * configuration.layers + layer].keyBias else { continue }
      for column in group.columns { arena.views[column].keyBias = KeyBias(values: bias, positions: positions) }
    }
    let shape = AttentionShape(
      heads: configuration.heads, kvHeads: configuration.kvHeads, headDim: configuration.headDim,
      scale: configuration.attentionScale)
    let query = arena.query.slice(columns: 0..<pass.count)
    state.engine.rotateAndCache(
      queries: query, keys: arena.key, values: arena.value, state.rotation(sliding: slides), caches: arena.views,
      shape: shape)
    state.engine.attention(query, caches: arena.views, shape: shape, scratch: arena.scratch, into: arena.mixed)
  }
}
