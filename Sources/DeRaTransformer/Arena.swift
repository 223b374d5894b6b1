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
  /// Scratch as wide as the widest input.
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

  /// The sizes of the passes.
  struct Sizes {
    var models: Int
    var limits: Decoder.Limits
    var maxColumns: Int
    var outputs: Int
    var context: Int
    var threads: Int
    /// Rows of codes a column.
    var planes: Int
    var splitsKeyBias: Bool

    /// Whether logits may be sums.
    fileprivate var isBlended: Bool { models > 1 || limits.changes > 0 }
    /// Columns of codes; outputs are coded in two planes whatever the layers' inputs are.
    fileprivate var codedColumns: Int { max(planes * maxColumns, 2 * outputs) }
    /// Products of one step that are added to others.
    fileprivate var changeTasks: Int { limits.changes * Arena.parallelMatrices * models }
  }

  /// The memory of the panels; each is a mapping of its own.
  private let memories: [AnonymousMemory]

  /// Matrices that read one input: query, key and value.
  private static let parallelMatrices = 3

  /// - Throws: `TensorError` when the sizes do not fit into the address space.
  init(_ configuration: ModelConfiguration, _ sizes: Sizes) throws(TensorError) {
    var made = Mappings()
    let (columns, outputs, limits) = (sizes.maxColumns, sizes.outputs, sizes.limits)
    maxColumns = columns
    hidden = try made.panel(configuration.hiddenSize, columns)
    normed = try made.panel(configuration.hiddenSize, columns)
    update = try made.panel(configuration.hiddenSize, columns)
    query = try made.panel(configuration.queryWidth, columns)
    key = try made.panel(configuration.kvWidth, columns)
    value = try made.panel(configuration.kvWidth, columns)
    mixed = try made.panel(configuration.queryWidth, columns)
    gate = try made.panel(configuration.feedForwardSize, columns)
    up = try made.panel(configuration.feedForwardSize, columns)
    blended = try made.panel(configuration.hiddenSize, outputs)
    logits = try made.panel(configuration.vocabularySize, outputs)
    partialLogits = try made.panel(configuration.vocabularySize, sizes.isBlended ? outputs : 0)
    weighted = try made.panel(configuration.hiddenSize, sizes.isBlended ? outputs : 0)
    let widest = max(configuration.hiddenSize, configuration.queryWidth, configuration.feedForwardSize)
    codes = try made.codes(columns: sizes.codedColumns, width: widest)
    differenceCodes = try made.codes(columns: sizes.models > 1 ? columns : 0, width: widest, planes: sizes.planes)
    inputScratch = try made.scratch(widest, threads: sizes.threads)
    rowProducts = try made.scratch(PackedLayout.tileRows * sizes.codedColumns, threads: sizes.threads)
    changes = limits.changes
    lowRank = try made.panels(
      limits.rank > 0 ? Self.parallelMatrices * changes : 0, width: limits.rank, columns: max(columns, outputs))
    scaled = try made.panel(Self.stepWidth(configuration), limits.scales ? columns : 0)
    scratch = try made.attentionScratch(configuration, sizes)
    memories = made.all
    references = .allocate(capacity: columns)
    differenceStarts = .allocate(capacity: columns + 1)
    tasks = .allocate(capacity: Self.parallelMatrices * sizes.models + sizes.changeTasks)
    innerTasks = .allocate(capacity: sizes.changeTasks)
    self.columns = .allocate(capacity: columns)
    views = .allocate(capacity: columns)
    positions = .allocate(capacity: columns)
    groups = .allocate(capacity: sizes.models)
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

/// The mappings of an arena as they are made.
private struct Mappings {
  private(set) var all: [AnonymousMemory] = []

  private mutating func bytes(_ factors: Int...) throws(TensorError) -> UnsafeMutableRawPointer {
    let memory = try AnonymousMemory(byteCount: CheckedSize.product(of: factors), purpose: "a buffer of the decoder")
    all.append(memory)
    return memory.base
  }

  mutating func panel(_ width: Int, _ columns: Int) throws(TensorError) -> Panel {
    let stride = try CheckedSize.aligned(width, to: PackedLayout.blockColumns)
    let values = try bytes(columns, stride, MemoryLayout<Float>.size).assumingMemoryBound(to: Float.self)
    return Panel(values: values, width: width, stride: stride, columns: columns)
  }

  mutating func panels(_ count: Int, width: Int, columns: Int) throws(TensorError) -> [Panel] {
    var panels: [Panel] = []
    for _ in 0..<count { panels.append(try panel(width, columns)) }
    return panels
  }

  mutating func codes(columns: Int, width: Int, planes: Int = 1) throws(TensorError) -> UnsafeMutableRawPointer {
    try bytes(columns > 0 ? QuantizedPanel.byteCount(columns: columns, width: width, planes: planes) : 0)
  }

  /// `[threads, capacity]`
  mutating func scratch(_ capacity: Int, threads: Int) throws(TensorError) -> ThreadScratch {
    let values = try bytes(threads, capacity, MemoryLayout<Float>.size).assumingMemoryBound(to: Float.self)
    return ThreadScratch(values: values, capacity: capacity)
  }

  mutating func attentionScratch(
    _ configuration: ModelConfiguration, _ sizes: Arena.Sizes
  ) throws(TensorError) -> AttentionScratch {
    let group = configuration.heads / configuration.kvHeads
    let scores = try bytes(sizes.threads, group, sizes.context, MemoryLayout<Float>.size)
    let factors = try bytes(
      sizes.splitsKeyBias ? sizes.threads : 0, group, configuration.headDim, MemoryLayout<Float>.size)
    return AttentionScratch(
      scores: scores.assumingMemoryBound(to: Float.self), capacity: sizes.context,
      factors: sizes.splitsKeyBias ? factors.assumingMemoryBound(to: Float.self) : nil)
  }
}
