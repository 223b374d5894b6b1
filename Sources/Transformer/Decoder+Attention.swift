import Kernels
import TensorCore

extension Decoder {
  /// Writes the pass's keys and values into the caches, then lets every column attend to what it may see.
  /// - Parameter window: tokens a column sees, itself included; nil for all before it.
  func attention(_ layer: Int, window: Int?, _ pass: Pass, _ state: DecoderState) {
    let arena = state.arena
    let headBytes = configuration.headDim * 2
    for column in 0..<pass.count {
      let entry = arena.columns[column]
      let heads = cacheHeads(entry, layer)
      let position = Int(entry.position) * headBytes
      for head in 0..<configuration.kvHeads {
        let offset = head * configuration.headDim
        state.engine.toHalf(
          arena.key.column(column) + offset, count: configuration.headDim,
          into: heads.keys + head * heads.headStride + position)
        state.engine.toHalf(
          arena.value.column(column) + offset, count: configuration.headDim,
          into: heads.values + head * heads.headStride + position)
      }
    }
    state.engine.pool.run(chunks: pass.count * configuration.kvHeads) { chunk, thread in
      attend(column: chunk / configuration.kvHeads, kvHead: chunk % configuration.kvHeads, layer, window, thread, state)
    }
  }
}
