import DeRaKernels

/// The matrix products of one step over the columns of a pass, collected without allocating and run together.
///
/// Models that share a matrix become one product, or parts of one where others lie between them, so that its bytes are
/// read once. Where the reference's column of the same token is among them, an aligned model's column enters as its
/// difference from it: rounding of the activations is then common to both and cancels in what λ amplifies. Whether it
/// does depends on these two models only. What a model adds to a shared matrix is computed in the same chunk of rows.
struct Products {
  private let pass: Decoder.Pass
  private let input: Panel
  private let state: DecoderState
  /// The products, and before them those that low-rank factors need.
  private var tasks: TaskList
  private var inner: TaskList
  /// Outputs so far, and their rows.
  private var slots = 0
  private var rows = 0

  /// - Parameter input: `[columns of the pass, width]`
  init(_ pass: Decoder.Pass, _ input: Panel, _ state: DecoderState) {
    self.pass = pass
    self.input = input
    self.state = state
    tasks = TaskList(state.arena.tasks)
    inner = TaskList(state.arena.innerTasks)
  }

  /// output = linear · input for every column, `linear` asked for with a model's number.
  mutating func add(_ output: Panel, _ linear: (Int) -> Linear) {
    let groups = pass.groups
    for first in groups.indices {
      let matrix = linear(groups[first].model).matrix
      if groups[..<first].contains(where: { linear($0.model).matrix.bytes == matrix.bytes }) { continue }
      add(matrix, from: first, output, linear)
    }
    slots += 1
    rows += linear(groups[groups.startIndex].model).matrix.layout.paddedRows
  }

  /// The product with a matrix for all models that have it.
  /// - Parameter first: the first of them.
  private mutating func add(_ matrix: PackedMatrix, from first: Int, _ output: Panel, _ linear: (Int) -> Linear) {
    let groups = pass.groups
    let isReferences = first == groups.startIndex && !pass.referenced.isEmpty
    // Floating-point products need no coding, so they gain nothing from differences.
    let differs =
      isReferences && matrix.layout.codec != .f16
      && groups.contains {
        $0.columns.overlaps(pass.referenced) && linear($0.model).matrix.bytes == matrix.bytes
      }
    var next = first
    while next < groups.endIndex {
      let start = next
      let scale = linear(groups[start].model).scale
      while next < groups.endIndex {
        let other = linear(groups[next].model)
        guard other.matrix.bytes == matrix.bytes, other.scale == scale else { break }
        next += 1
      }
      if next == start {
        next += 1
        continue
      }
      tasks.append(
        MatmulTask(
          matrix: matrix, columns: groups[start].columns.lowerBound..<groups[next - 1].columns.upperBound, input: input,
          codes: differs ? state.differenceCodes(input) : state.codes(input), rowProducts: state.arena.rowProducts,
          output: output, continues: start > first,
          references: differs ? UnsafePointer(state.arena.references) : nil, scale: scale))
      for index in start..<next {
        let changes = linear(groups[index].model).changes
        for number in changes.indices { add(changes[number], number, output, groups[index].columns) }
      }
    }
  }

  /// - Parameter number: the change's place among those of its layer.
  private mutating func add(_ change: Linear.Change, _ number: Int, _ output: Panel, _ columns: Range<Int>) {
    let arena = state.arena
    var task = MatmulTask(
      matrix: change.matrix, columns: columns, input: input, codes: state.codes(input), rowProducts: arena.rowProducts,
      output: output, adds: true, scale: change.scale)
    if let a = change.a {
      let projected = arena.lowRank[slots * arena.changes + number]
      inner.append(
        MatmulTask(
          matrix: a, columns: columns, input: input, codes: state.codes(input), rowProducts: arena.rowProducts,
          output: projected))
      task.input = projected.slice(rows: 0..<change.rank)
      task.codes = nil
    }
    if change.scale != 1 { task.product = arena.scaled.slice(rows: rows..<rows + change.matrix.layout.paddedRows) }
    tasks.append(task)
  }

  /// Codes the input as the products need it and runs them.
  func run() {
    let engine = state.engine
    let scratch = state.arena.inputScratch
    if needsCodes(differences: false) { engine.quantize(input, into: state.codes(input), scratch: scratch) }
    if needsCodes(differences: true) {
      engine.quantize(
        input, into: state.differenceCodes(input), references: state.arena.references, scratch: scratch)
    }
    if inner.count > 0 { engine.matmul(inner.all) }
    engine.matmul(tasks.all)
  }

  private func needsCodes(differences: Bool) -> Bool {
    let reads: (MatmulTask) -> Bool = {
      $0.matrix.layout.codec != .f16 && ($0.references != nil) == differences
    }
    return tasks.all.contains(where: reads) || inner.all.contains(where: reads)
  }
}

/// Tasks in memory that is there already.
struct TaskList {
  private let storage: UnsafeMutableBufferPointer<MatmulTask>
  private(set) var count = 0

  init(_ storage: UnsafeMutableBufferPointer<MatmulTask>) { self.storage = storage }

  var all: UnsafeBufferPointer<MatmulTask> { UnsafeBufferPointer(rebasing: storage[0..<count]) }

  mutating func append(_ task: MatmulTask) {
    storage.initializeElement(at: count, to: task)
    count += 1
  }
}
