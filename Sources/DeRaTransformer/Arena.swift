import DeRaKernels
import DeRaModelSpec
import DeRaTensorCore

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
  /// The sum that a block adds to the residual stream, `[columns, hiddenSize]`.
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
  /// The blended final hidden states `[outputs, hiddenSize]` and their logits `[outputs, vocabularySize]`.
  let blended: Panel
  let logits: Panel
  let partialLogits: Panel
  /// One model's share of `blended`, `[outputs, hiddenSize]`.
  let weighted: Panel
  /// Codes of whichever panel is a matrix's input, and the same with aligned columns as differences.
  let codes: UnsafeMutableRawPointer
  let differenceCodes: UnsafeMutableRawPointer
  /// The reference's column of the same token, or −1; `[columns]`.
  let references: UnsafeMutablePointer<Int32>
  /// The first row of each column of `differenceCodes`, `[columns + 1]`.
  let differenceStarts: UnsafeMutablePointer<Int32>
  /// As wide as the widest input.
  let inputScratch: ThreadScratch
  let rowProducts: ThreadScratch
  /// A · x of low-rank changes, one `[columns, rank]` for each change of each of the matrices that read the same input.
  let lowRank: [Panel]
  /// Most changes that one linear layer has.
  let changes: Int
  /// Products that are scaled before they are added, of all the matrices that read the same input side by side;
  /// `[columns, their rows]`.
  let scaled: Panel
  let scratch: AttentionScratch
  /// Where each column attends, in the layer at hand.
  let views: UnsafeMutablePointer<CacheView>
  /// `[columns]`
  let positions: UnsafeMutablePointer<Int32>
  let tasks: UnsafeMutableBufferPointer<MatmulTask>
  /// Products that others of the same step wait for.
  let innerTasks: UnsafeMutableBufferPointer<MatmulTask>
  let columns: UnsafeMutableBufferPointer<Column>
  let groups: UnsafeMutableBufferPointer<ModelColumns>

  /// The facts about one column of a pass.
  struct Column {
    var token: Int32
    var cache: UnsafePointer<KVCache.Layer>
  }

  /// The columns of one model in a pass.
  struct ModelColumns {
    var model: Int
    var columns: Range<Int>
  }

  /// The memory of the panels; each is a mapping of its own.
  private let memories: [AnonymousMemory]

  /// Matrices that read one input: query, key and value.
  private static let parallelMatrices = 3

  /// - Throws: `TensorError` when the sizes do not fit into the address space.
  init(
    _ configuration: ModelConfiguration, models: Int, limits: Decoder.Limits, maxColumns: Int, outputs: Int,
    context: Int, threads: Int, planes: Int, splitsKeyBias: Bool
  ) throws(TensorError) {
    var memories: [AnonymousMemory] = []
    func memory(_ factors: Int...) throws(TensorError) -> UnsafeMutableRawPointer {
      let memory = try AnonymousMemory(byteCount: CheckedSize.product(of: factors), purpose: "a buffer of the decoder")
      memories.append(memory)
      return memory.base
    }
    func panel(_ width: Int, _ columns: Int) throws(TensorError) -> Panel {
      let stride = try CheckedSize.aligned(width, to: PackedLayout.blockColumns)
      let values = try memory(columns, stride, MemoryLayout<Float>.size).assumingMemoryBound(to: Float.self)
      return Panel(values: values, width: width, stride: stride, columns: columns)
    }
    self.maxColumns = maxColumns
    hidden = try panel(configuration.hiddenSize, maxColumns)
    normed = try panel(configuration.hiddenSize, maxColumns)
    update = try panel(configuration.hiddenSize, maxColumns)
    query = try panel(configuration.queryWidth, maxColumns)
    key = try panel(configuration.kvWidth, maxColumns)
    value = try panel(configuration.kvWidth, maxColumns)
    mixed = try panel(configuration.queryWidth, maxColumns)
    gate = try panel(configuration.feedForwardSize, maxColumns)
    up = try panel(configuration.feedForwardSize, maxColumns)
    blended = try panel(configuration.hiddenSize, outputs)
    logits = try panel(configuration.vocabularySize, outputs)
    let isBlended = models > 1 || limits.changes > 0
    partialLogits = try panel(configuration.vocabularySize, isBlended ? outputs : 0)
    weighted = try panel(configuration.hiddenSize, isBlended ? outputs : 0)
    let widest = max(configuration.hiddenSize, configuration.queryWidth, configuration.feedForwardSize)
    codes = try memory(QuantizedPanel.byteCount(columns: max(planes * maxColumns, 2 * outputs), width: widest))
    differenceCodes = try memory(
      models > 1 ? QuantizedPanel.byteCount(columns: maxColumns, width: widest, planes: planes) : 0)
    inputScratch = ThreadScratch(
      values: try memory(threads, widest, MemoryLayout<Float>.size).assumingMemoryBound(to: Float.self),
      capacity: widest)
    references = .allocate(capacity: maxColumns)
    differenceStarts = .allocate(capacity: maxColumns + 1)
    // Outputs are coded in two planes whatever the layers' inputs are.
    let sums = PackedLayout.tileRows * max(planes * maxColumns, 2 * outputs)
    rowProducts = ThreadScratch(
      values: try memory(threads, sums, MemoryLayout<Float>.size).assumingMemoryBound(to: Float.self), capacity: sums)
    changes = limits.changes
    var lowRank: [Panel] = []
    for _ in 0..<(limits.rank > 0 ? Self.parallelMatrices * limits.changes : 0) {
      lowRank.append(try panel(limits.rank, max(maxColumns, outputs)))
    }
    self.lowRank = lowRank
    scaled = try panel(Self.stepWidth(configuration), limits.scales ? maxColumns : 0)
    let scores = try memory(threads, configuration.heads / configuration.kvHeads, context, MemoryLayout<Float>.size)
      .assumingMemoryBound(to: Float.self)
    let factors = try memory(
      splitsKeyBias ? threads : 0, configuration.heads / configuration.kvHeads, configuration.headDim,
      MemoryLayout<Float>.size)
    scratch = AttentionScratch(
      scores: scores, capacity: context,
      factors: splitsKeyBias ? factors.assumingMemoryBound(to: Float.self) : nil)
    self.memories = memories
    tasks = .allocate(capacity: (1 + limits.changes) * Self.parallelMatrices * models)
    innerTasks = .allocate(capacity: limits.changes * Self.parallelMatrices * models)
    columns = .allocate(capacity: maxColumns)
    views = .allocate(capacity: maxColumns)
    positions = .allocate(capacity: maxColumns)
    groups = .allocate(capacity: models)
  }

  deinit {
    references.deallocate()
    differenceStarts.deallocate()
    tasks.deallocate()
    innerTasks.deallocate()
    columns.deallocate()
    views.deallocate()
    positions.deallocate()
    groups.deallocate()
  }

  /// Rows, padded to whole tiles, of all the matrices that read one input.
  private static func stepWidth(_ configuration: ModelConfiguration) -> Int {
    func padded(_ rows: Int) -> Int {
      rows.roundedUp(toMultipleOf: PackedLayout.tileRows)
    }
    return max(
      padded(configuration.queryWidth) + 2 * padded(configuration.kvWidth), 2 * padded(configuration.feedForwardSize),
      padded(configuration.hiddenSize))
  }

  /// Bytes of all panels.
  var byteCount: Int { memories.reduce(0) { $0 + $1.byteCount } }
}
