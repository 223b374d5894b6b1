internal import CKernels
import TensorCore

/// One matrix applied to some columns of a panel.
public struct MatmulTask: @unchecked Sendable {
  public var matrix: PackedMatrix
  /// Columns of the input panel to multiply.
  public var columns: Range<Int>
  /// `[columns of the input, at least matrix.layout.paddedRows]`: the product of input column `c` goes to
  /// `output.column(c)`, padding rows included (they become zero).
  public var output: Panel

  public init(matrix: PackedMatrix, columns: Range<Int>, output: Panel) {
    self.matrix = matrix
    self.columns = columns
    self.output = output
  }
}

extension Engine {
  /// output = matrix · input for every task, all of them in one parallel region.
  /// - Parameters:
  ///   - input: `[columns, layout.columns]`, read by f16 matrices.
  ///   - quantized: the same in int8, read by int8 and int4 matrices; nil when all matrices are f16.
  public func matmul(_ tasks: UnsafeBufferPointer<MatmulTask>, input: Panel, quantized: QuantizedPanel?) {
    var cost = 0
    for task in tasks {
      check(task, input: input, quantized: quantized)
      cost += task.cost
    }
    let wanted = pool.threads == 1 ? 1 : max(min(pool.threads * 8, cost / MatmulTask.smallestChunk), 1)
    let job = MatmulJob(
      kernels: kernels, tasks: tasks, input: input, quantized: quantized, chunkCost: max(cost / wanted, 1))
    pool.run(job, chunks: tasks.reduce(0) { $0 + job.chunks(of: $1) })
  }

  /// One task; see `matmul(_:input:quantized:)` for several.
  public func matmul(_ task: MatmulTask, input: Panel, quantized: QuantizedPanel?) {
    withUnsafePointer(to: task) {
      matmul(UnsafeBufferPointer(start: $0, count: 1), input: input, quantized: quantized)
    }
  }

  private func check(_ task: MatmulTask, input: Panel, quantized: QuantizedPanel?) {
    let layout = task.matrix.layout
    precondition(task.columns.lowerBound >= 0 && task.columns.upperBound <= task.output.columns, "output too short")
    precondition(layout.paddedRows <= task.output.stride, "output without room for the padding rows")
    if layout.codec == .f16 {
      precondition(task.columns.upperBound <= input.columns && layout.columns == input.width, "input of wrong shape")
    } else {
      guard let quantized else { preconditionFailure("int8 and int4 matrices need the quantized input") }
      precondition(
        task.columns.upperBound <= quantized.columns && layout.columns == quantized.width, "input of wrong shape")
    }
  }
}

extension MatmulTask {
  /// A chunk of less costs more to hand out than to do.
  static let smallestChunk = 1 << 17

  /// Reading a byte of weights takes about as long as using it for 8 columns.
  var tileCost: Int { matrix.layout.tileBytes * (8 + columns.count) }
  var cost: Int { columns.isEmpty ? 0 : matrix.layout.tiles * tileCost }
}

private struct MatmulJob: ParallelJob {
  let kernels: UnsafePointer<ck_kernels>
  let tasks: UnsafeBufferPointer<MatmulTask>
  let input: Panel
  let quantized: QuantizedPanel?
  let chunkCost: Int

  func chunks(of task: MatmulTask) -> Int {
    min((task.cost + chunkCost - 1) / chunkCost, task.matrix.layout.tiles)
  }

  /// Chunks count through the tasks in order; each is a run of tiles of one task.
  func run(chunk: Int, thread: Int) {
    var chunk = chunk
    for task in tasks {
      let count = chunks(of: task)
      if chunk < count {
        let tiles = task.matrix.layout.tiles
        run(task, tiles: (tiles * chunk / count)..<(tiles * (chunk + 1) / count))
        return
      }
      chunk -= count
    }
  }

  private func run(_ task: MatmulTask, tiles: Range<Int>) {
    let range = ck_tiles(first: tiles.lowerBound, count: tiles.count)
    let output = ck_output(
      values: task.output.column(task.columns.lowerBound), stride: task.output.stride, accumulate: 0)
    withUnsafePointer(to: task.matrix.view) { matrix in
      switch task.matrix.layout.codec {
      case .f16: kernels.pointee.matmul_f16(matrix, range, input.slice(columns: task.columns).view, output)
      case .int8: quantized.map { kernels.pointee.matmul_int8(matrix, range, $0.view(columns: task.columns), output) }
      case .int4: quantized.map { kernels.pointee.matmul_int4(matrix, range, $0.view(columns: task.columns), output) }
      }
    }
  }
}
