import CMeasure
import Kernels
import TensorCore

/// What every benchmark of this program computes with; made once, because it is large.
enum Shared {
  /// More than the caches of today's servers hold for one core, so that it is read from memory.
  static let weightBytes = 128 << 20
  /// The engine of an instruction set on `threads` threads.
  static func engine(_ set: InstructionSet, threads: Int) throws -> Engine {
    try Engine(instructionSet: set, pool: ThreadPool(threads: threads))
  }
  /// Bytes that are valid as scales (f16 0.065) and as codes of every codec; kernels take the same time for all values.
  nonisolated(unsafe) static let weights: UnsafeRawPointer = {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: weightBytes, alignment: 4096)
    memory.initializeMemory(as: UInt8.self, repeating: 0x2C, count: weightBytes)
    return UnsafeRawPointer(memory)
  }()
}

/// A matrix over some of `Shared.weights`, input columns in float and int8, and room for the product.
struct Product {
  let matrix: PackedMatrix
  let input: Panel
  let quantized: QuantizedPanel
  let output: Panel

  init(codec: PackedCodec, rows: Int, width: Int, columns: Int, engine: Engine) throws {
    let layout = try PackedLayout(codec: codec, rows: rows, columns: width)
    precondition(layout.byteCount <= Shared.weightBytes, "the matrix is larger than the memory made for it")
    matrix = PackedMatrix(layout: layout, bytes: Shared.weights)
    let values = UnsafeMutablePointer<Float>.allocate(capacity: columns * width)
    for index in 0..<columns * width { values[index] = Float(index % 17) - 8 }
    input = Panel(values: values, width: width, columns: columns)
    let codes = UnsafeMutableRawPointer.allocate(
      byteCount: QuantizedPanel.byteCount(columns: columns, width: width), alignment: 64)
    quantized = QuantizedPanel(memory: codes, columns: columns, width: width)
    engine.quantize(input, into: quantized)
    let results = UnsafeMutablePointer<Float>.allocate(capacity: columns * layout.paddedRows)
    results.initialize(repeating: 0, count: columns * layout.paddedRows)
    output = Panel(values: results, width: rows, stride: layout.paddedRows, columns: columns)
  }

  /// Multiplications and additions of one product.
  var operations: Int { 2 * matrix.layout.rows * matrix.layout.columns * output.columns }

  func run(_ engine: Engine) {
    engine.matmul(
      MatmulTask(matrix: matrix, columns: 0..<output.columns, output: output), input: input, quantized: quantized)
  }

  func deallocate() {
    input.values.deallocate()
    UnsafeMutableRawPointer(quantized.codes).deallocate()
    output.values.deallocate()
  }
}

/// Reads bytes and does nothing else: the limit of everything that reads weights.
private struct ReadJob: ParallelJob {
  let bytes: UnsafeRawPointer
  let count: Int
  let chunks: Int
  let prefetch: Int
  let results: UnsafeMutablePointer<UInt64>

  func run(chunk: Int, thread: Int) {
    let step = 128
    let first = count / step * chunk / chunks * step
    let end = count / step * (chunk + 1) / chunks * step
    results[thread] ^= cm_read_all(bytes + first, end - first, prefetch)
  }
}

/// Bytes a second that `pool` reads from the first `count` bytes of the weights, with or without fetching ahead, whichever
/// is faster.
func streamingRate(_ pool: ThreadPool, count: Int) -> Double {
  let results = UnsafeMutablePointer<UInt64>.allocate(capacity: pool.threads)
  results.initialize(repeating: 0, count: pool.threads)
  defer { results.deallocate() }
  let clock = ContinuousClock()
  let chunks = pool.threads * 8
  let times = [0, 2048].map { prefetch in
    clock.measure {
      pool.run(
        ReadJob(bytes: Shared.weights, count: count, chunks: chunks, prefetch: prefetch, results: results),
        chunks: chunks)
    }
  }
  return Double(count) / seconds(times.min() ?? .zero)
}

func seconds(_ duration: Duration) -> Double {
  Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}
