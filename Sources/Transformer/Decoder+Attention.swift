import Kernels
import TensorCore

extension Decoder {
  /// Writes the pass's keys and values into the caches, then lets every column attend to what it may see.
  /// - Parameter window: tokens a column sees, itself included; nil for all before it.
  func attention(_ layer: Int, window: Int?, _ pass: Pass, _ state: DecoderState) {
    let arena = state.arena
    let width = configuration.kvWidth
    for column in 0..<pass.count {
      let cache = arena.columns[column].cache
      let position = Int(arena.positions[column])
      let keys = cache.keys(layer: layer)
      let values = cache.values(layer: layer)
      state.engine.narrow(arena.key.column(column), count: width, into: keys + position * width)
      state.engine.narrow(arena.value.column(column), count: width, into: values + position * width)
      let first = window.map { max(position + 1 - $0, 0) } ?? 0
      (arena.views + column).initialize(
        to: CacheView(keys: keys, values: values, visible: first..<position + 1))
    }
    let shape = AttentionShape(
      heads: configuration.heads, kvHeads: configuration.kvHeads, headDim: configuration.headDim,
      scale: configuration.attentionScale)
    state.engine.attention(
      arena.query.slice(columns: 0..<pass.count), caches: arena.views, shape: shape, scratch: arena.scratch,
      into: arena.mixed)
  }
}
