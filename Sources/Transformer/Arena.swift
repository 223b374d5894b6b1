import Kernels
import ModelSpec
import TensorCore

/// Every buffer a forward pass needs, allocated once for a fixed number of columns.
///
/// Panels are `[columns, stride]` f32 with strides rounded up to whole blocks of 32, which leaves room for the padding
/// rows that a product writes.
final class Arena {
  let maxColumns: Int
  /// The residual stream, `[columns, hiddenSize]`.
  let hidden: Panel
  /// Input of the next matrix, `[columns, hiddenSize]`.
  let normed: Panel
  /// What a block adds to the residual stream, `[columns, hiddenSize]`.
  let update: Panel
  /// `[columns, queryWidth]`, `[columns, kvWidth]`, `[columns, kvWidth]`
  let query: Panel
  let key: Panel
  let value: Panel
  /// Attention's result, `[columns, queryWidth]`.
  let mixed: Panel
  /// `[columns, feedForwardSize]`
  let gate: Panel
  let up: Panel
  /// The blended final hidden states, `[outputs, hiddenSize]`, and their logits `[outputs, vocabularySize]`.
  let blended: Panel
  let logits: Panel
  let partialLogits: Panel
  /// Codes of whichever panel is a matrix's input.
  let quantized: UnsafeMutableRawPointer
  let scratch: AttentionScratch
  /// Where each column attends, in the layer at hand.
  let views: UnsafeMutablePointer<CacheView>
  /// `[columns]`
  let positions: UnsafeMutablePointer<Int32>
  let tasks: UnsafeMutableBufferPointer<MatmulTask>
  let columns: UnsafeMutableBufferPointer<Column>
  let groups: UnsafeMutableBufferPointer<ModelColumns>
  let byteCount: Int

  /// What a pass knows of one column.
  struct Column {
    var token: Int32
    var cache: KVCache.View
  }

  /// The columns of one model in a pass.
  struct ModelColumns {
    var model: Int
    var columns: Range<Int>
  }

  private let memory: AnonymousMemory

  /// - Throws: `TensorError` when the sizes do not fit into the address space.
  init(
    _ configuration: ModelConfiguration, models: Int, maxColumns: Int, outputs: Int, context: Int, threads: Int
  ) throws(TensorError) {
    self.maxColumns = maxColumns
    // Two passes over one list of sizes: the first measures, the second hands out addresses.
    let hiddenStride = try Self.stride(configuration.hiddenSize)
    let queryStride = try Self.stride(configuration.queryWidth)
    let kvStride = try Self.stride(configuration.kvWidth)
    let forwardStride = try Self.stride(configuration.feedForwardSize)
    let logitsStride = try Self.stride(configuration.vocabularySize)
    let scoresStride = try CheckedSize.aligned(context, to: 16)
    let widest = max(hiddenStride, queryStride, forwardStride)
    let floats = [
      maxColumns * hiddenStride, maxColumns * hiddenStride, maxColumns * hiddenStride, maxColumns * queryStride,
      maxColumns * kvStride, maxColumns * kvStride, maxColumns * queryStride, maxColumns * forwardStride,
      maxColumns * forwardStride, outputs * hiddenStride, outputs * logitsStride,
      models > 1 ? outputs * logitsStride : 0, threads * scoresStride,
    ]
    var offsets: [Int] = []
    var total = 0
    for count in floats {
      offsets.append(total)
      total = try CheckedSize.aligned(try CheckedSize.sum(total, try CheckedSize.product(count, 4)), to: 64)
    }
    let quantizedOffset = total
    total = try CheckedSize.sum(total, QuantizedPanel.byteCount(columns: max(maxColumns, outputs), width: widest))
    byteCount = total
    memory = try AnonymousMemory(byteCount: total, purpose: "the decoder's buffers")
    let base = memory.base
    func pointer(_ index: Int) -> UnsafeMutablePointer<Float> {
      (base + offsets[index]).assumingMemoryBound(to: Float.self)
    }
    func panel(_ index: Int, _ width: Int, _ stride: Int, _ columns: Int) -> Panel {
      Panel(values: pointer(index), width: width, stride: stride, columns: columns)
    }
    hidden = panel(0, configuration.hiddenSize, hiddenStride, maxColumns)
    normed = panel(1, configuration.hiddenSize, hiddenStride, maxColumns)
    update = panel(2, configuration.hiddenSize, hiddenStride, maxColumns)
    query = panel(3, configuration.queryWidth, queryStride, maxColumns)
    key = panel(4, configuration.kvWidth, kvStride, maxColumns)
    value = panel(5, configuration.kvWidth, kvStride, maxColumns)
    mixed = panel(6, configuration.queryWidth, queryStride, maxColumns)
    gate = panel(7, configuration.feedForwardSize, forwardStride, maxColumns)
    up = panel(8, configuration.feedForwardSize, forwardStride, maxColumns)
    blended = panel(9, configuration.hiddenSize, hiddenStride, outputs)
    logits = panel(10, configuration.vocabularySize, logitsStride, outputs)
    partialLogits = panel(11, configuration.vocabularySize, logitsStride, models > 1 ? outputs : 0)
    scratch = AttentionScratch(scores: pointer(12), capacity: scoresStride)
    quantized = base + quantizedOffset
    tasks = .allocate(capacity: 3 * models)
    columns = .allocate(capacity: maxColumns)
    views = .allocate(capacity: maxColumns)
    positions = .allocate(capacity: maxColumns)
    groups = .allocate(capacity: models)
  }

  deinit {
    tasks.deallocate()
    columns.deallocate()
    views.deallocate()
    positions.deallocate()
    groups.deallocate()
  }

  private static func stride(_ width: Int) throws(TensorError) -> Int {
    try CheckedSize.aligned(width, to: PackedLayout.blockColumns)
  }
}
