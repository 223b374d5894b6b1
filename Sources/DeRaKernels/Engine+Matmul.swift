internal import CDeRaKernels
import DeRaTensorCore

/// One matrix applied to some columns of a panel.
package struct MatmulTask: @unchecked Sendable {
  package var matrix: PackedMatrix
  /// Columns of the inputs to multiply, and of the output.
  package var columns: Range<Int>
  /// `[columns, layout.columns]`, read by f16 matrices.
  package var input: Panel
  /// The same in int8, read by the other codecs; nil for f16 matrices.
  package var codes: QuantizedPanel?
  /// Where the products of several rows a column are held until they are added; at least 16 numbers a row.
  package var rowProducts: ThreadScratch?
  /// `[columns, at least matrix.layout.paddedRows]`: the product of column `c` goes to `output.column(c)`, padding rows
  /// included (they become zero).
  package var output: Panel
  /// Whether the product is added to what `output` has: to the result of the task before, when that writes the same
  /// output. Both are then computed together, rows after rows.
  package var adds = false
  /// Whether it is another part of the product before it, of the same matrix for columns that lie apart. Both are then
  /// computed together, rows after rows, so that the matrix is read once.
  package var continues = false
  /// For every column the one whose result is added to its own, or −1; nil for none. That column is one of the task's, or
  /// of the product that it continues. What `Engine.quantize` was given for
  /// `codes`, so that W·x = W·reference + W·(x − reference).
  package var references: UnsafePointer<Int32>?
  /// The factor of the product.
  package var scale: Float
  /// Where a product is held that is multiplied before it is added: as `output`, and not read by others.
  package var product: Panel?

  package init(
    matrix: PackedMatrix, columns: Range<Int>, input: Panel, codes: QuantizedPanel?, rowProducts: ThreadScratch? = nil,
    output: Panel, adds: Bool = false, continues: Bool = false, references: UnsafePointer<Int32>? = nil,
    scale: Float = 1,
    product: Panel? = nil
  ) {
    self.matrix = matrix
    self.columns = columns
    self.input = input
    self.codes = codes
    self.rowProducts = rowProducts
    self.output = output
    self.adds = adds
    self.continues = continues
    self.references = references
    self.scale = scale
    self.product = product
  }
}

extension Engine {
  /// output = matrix · input for every task, all of them in one parallel region.
  package func matmul(_ tasks: UnsafeBufferPointer<MatmulTask>) {
    var cost = 0
    for task in tasks {
      task.check()
      cost += task.cost
    }
    let wanted = pool.threads == 1 ? 1 : max(min(pool.threads * 8, cost / MatmulTask.smallestChunk), 1)
    let job = MatmulJob(kernels: kernels, tasks: tasks, chunkCost: max(cost / wanted, 1))
    pool.run(job, chunks: job.chunks)
  }

  /// One task; see `matmul(_:)` for several.
  package func matmul(_ task: MatmulTask) {
    withUnsafePointer(to: task) { matmul(UnsafeBufferPointer(start: $0, count: 1)) }
  }
}

extension MatmulTask {
  /// A chunk of less costs more to hand out than to do.
  static let smallestChunk = 1 << 17

  /// Reading a byte of weights takes about as long as using it for 8 columns.
  var cost: Int { columns.isEmpty ? 0 : matrix.layout.byteCount * (8 + columns.count) }

  fileprivate func check() {
    let layout = matrix.layout
    if let target = product {
      precondition(columns.upperBound <= target.columns && layout.paddedRows <= target.width, "product too small")
    }
    precondition(scale == 1 || !adds || product != nil, "a product that is multiplied and added needs room")
    precondition(columns.lowerBound >= 0 && columns.upperBound <= output.columns, "output too short")
    precondition(layout.paddedRows <= output.stride, "output without room for the padding rows")
    if layout.codec == .f16 {
      precondition(columns.upperBound <= input.columns && layout.columns == input.width, "input of wrong shape")
    } else {
      guard let codes else { preconditionFailure("matrices of integers need the input in int8") }
      precondition(columns.upperBound <= codes.columns && layout.columns == codes.width, "input of wrong shape")
      let rows = codes.planes > 1 ? codes.view(columns: columns).columns : 0
      precondition((rowProducts?.capacity ?? 0) >= rows * PackedLayout.tileRows, "no room for the rows' products")
    }
  }

  /// Rows of the tiles for all columns.
  fileprivate func run(_ kernels: UnsafePointer<ck_kernels>, tiles: Range<Int>, thread: Int) {
    let range = ck_tiles(first: tiles.lowerBound, count: tiles.count)
    let held = scale != 1 && adds ? product : nil
    let panel = held ?? output
    let target = ck_output(
      values: panel.column(columns.lowerBound), stride: panel.stride, accumulate: adds && held == nil ? 1 : 0)
    withUnsafePointer(to: matrix.view(from: 0)) { view in
      guard let product = ck_matmul(kernels, matrix.format) else {
        return kernels.pointee.matmul_f16(view, range, input.slice(columns: columns).view, target)
      }
      guard let codes else { return }
      guard codes.planes > 1, let rowProducts else { return product(view, range, codes.view(columns: columns), target) }
      add(codes, tiles, by: product, sums: rowProducts.of(thread), capacity: rowProducts.capacity, to: target)
    }
    let rows = tiles.lowerBound * PackedLayout.tileRows..<tiles.upperBound * PackedLayout.tileRows
    for column in columns where scale != 1 {
      let values = output.column(column) + rows.lowerBound
      if let held {
        kernels.pointee.add_scaled(scale, held.column(column) + rows.lowerBound, rows.count, values)
      } else {
        kernels.pointee.scale(scale, values, rows.count, values)
      }
    }
    guard let references else { return }
    for column in columns where references[column] >= 0 {
      let reference = output.column(Int(references[column])) + rows.lowerBound
      kernels.pointee.add_scaled(1, reference, rows.count, output.column(column) + rows.lowerBound)
    }
  }
}

extension MatmulTask {
  /// target = the sum of the products of a column's rows, or += it, as many tiles at a time as `sums` holds.
  private func add(
    _ codes: QuantizedPanel, _ tiles: Range<Int>, by product: ck_product, sums: UnsafeMutablePointer<Float>,
    capacity: Int, to target: ck_output
  ) {
    let panel = codes.view(columns: columns)
    let step = capacity / (panel.columns * PackedLayout.tileRows)
    for first in stride(from: tiles.lowerBound, to: tiles.upperBound, by: step) {
      let count = min(step, tiles.upperBound - first)
      let rows = count * PackedLayout.tileRows
      withUnsafePointer(to: matrix.view(from: first)) {
        product($0, ck_tiles(first: 0, count: count), panel, ck_output(values: sums, stride: rows, accumulate: 0))
      }
      var part = UnsafePointer(sums)
      for column in columns {
        let values = target.values + (column - columns.lowerBound) * target.stride + first * PackedLayout.tileRows
        let own = codes.rows(column)
        for row in own {
          let isFirst = row == own.lowerBound && target.accumulate == 0
          if isFirst { values.update(from: part, count: rows) } else { accumulate(part, count: rows, in: values) }
          part += rows
        }
      }
    }
  }

  private func accumulate(_ addend: UnsafePointer<Float>, count: Int, in values: UnsafeMutablePointer<Float>) {
    for index in 0..<count { values[index] += addend[index] }
  }
}

private struct MatmulJob: ParallelJob {
  let kernels: UnsafePointer<ck_kernels>
  let tasks: UnsafeBufferPointer<MatmulTask>
  let chunkCost: Int

  /// Tasks `first ..< end` that are computed together, and the chunks they are cut into.
  private func group(from first: Int) -> (end: Int, chunks: Int) {
    var end = first
    var cost = 0
    repeat {
      cost += tasks[end].cost
      end += 1
    } while end < tasks.count && (tasks[end].adds || tasks[end].continues)
    return (end, min((cost + chunkCost - 1) / chunkCost, tasks[first].matrix.layout.tiles))
  }

  var chunks: Int {
    var total = 0
    var first = 0
    while first < tasks.count {
      let group = group(from: first)
      total += group.chunks
      first = group.end
    }
    return total
  }

  /// Chunks count through the groups in order; each is a run of tiles of one group.
  func run(chunk: Int, thread: Int) {
    var chunk = chunk
    var first = 0
    while first < tasks.count {
      let group = group(from: first)
      if chunk < group.chunks {
        let tiles = tasks[first].matrix.layout.tiles
        let range = (tiles * chunk / group.chunks)..<(tiles * (chunk + 1) / group.chunks)
        run(tasks[first..<group.end], tiles: range, thread: thread)
        return
      }
      chunk -= group.chunks
      first = group.end
    }
  }

  /// Tasks that are computed together; where several read one matrix, as many tiles at a time as stay in the cache.
  private func run(_ group: Slice<UnsafeBufferPointer<MatmulTask>>, tiles: Range<Int>, thread: Int) {
    let isReread = group.contains(where: \.continues)
    let step = isReread ? max(Self.cachedBytes / group[group.startIndex].matrix.layout.tileBytes, 1) : tiles.count
    for first in stride(from: tiles.lowerBound, to: tiles.upperBound, by: max(step, 1)) {
      let part = first..<min(first + step, tiles.upperBound)
      for task in group { task.run(kernels, tiles: part, thread: thread) }
    }
  }

  /// Bytes of a matrix that a cache surely holds; what has just been read is there once more.
  private static let cachedBytes = 1 << 16
}
