import DeRa
import DeRaConsole
import DeRaKernels
import DeRaPlatform
import DeRaTensorCore
import DeRaText

/// Times the kernels of every instruction set on a matrix too large for any cache, beside reading alone.
final class KernelBench {
  private static let width = 2048
  private static let manyColumns = 64
  /// Rows for the test with many columns, which is bound by arithmetic.
  private static let fewRows = 512
  /// Slow kernels get a smaller matrix, and are repeated only until this many seconds are over.
  private static let budget = 0.2

  private let repetitions: Int
  private let matrix: UnsafeMutableRawBufferPointer
  private let input: Panel
  private let codes: QuantizedPanel
  private let codeMemory: UnsafeMutableRawPointer
  private let output: Panel

  /// - Throws: `TensorError` when the buffers do not fit into the address space.
  init(repetitions: Int) throws {
    self.repetitions = repetitions
    // 256 MB, less where that would be much of the memory. The pattern is a normal number as f16 and as f32.
    let memory = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
    let bytes = min(max(memory / 8, 1 << 24), 1 << 28)
    let mostRows = try PackedCodec.allCases.map { try Self.rows(of: $0, bytes: bytes) }.max() ?? 0
    matrix = .allocate(byteCount: bytes, alignment: 64)
    matrix.initializeMemory(as: UInt8.self, repeating: 0x2b)
    let columns = Self.manyColumns
    let values = UnsafeMutablePointer<Float>.allocate(capacity: Self.width * columns)
    for index in 0..<Self.width * columns { values[index] = Float(index % 13) - 6 }
    input = Panel(values: values, width: Self.width, columns: columns)
    codeMemory = .allocate(byteCount: QuantizedPanel.byteCount(columns: columns, width: Self.width), alignment: 64)
    codes = QuantizedPanel(memory: codeMemory, columns: columns, width: Self.width)
    let results = max(2 * mostRows, columns * Self.fewRows)
    output = Panel(values: .allocate(capacity: results), width: results, columns: 1)
    output.values.initialize(repeating: 0, count: results)
  }

  deinit {
    matrix.deallocate()
    input.values.deallocate()
    codeMemory.deallocate()
    output.values.deallocate()
  }

  /// Every instruction set, and every codec of those that this machine has.
  func measurements(_ pool: ThreadPool) throws -> [KernelMeasurement] {
    var rows: [KernelMeasurement] = []
    for set in InstructionSet.allCases {
      guard set.isSupported else {
        rows.append(KernelMeasurement(instructionSet: set.rawValue))
        continue
      }
      let engine = try Engine(instructionSet: set, pool: pool)
      engine.quantize(input, into: codes)
      for codec in PackedCodec.allCases {
        Output.note("\(set.rawValue), \(codec.rawValue), \(pool.threads) threads")
        rows.append(try measurement(engine, codec))
      }
    }
    return rows
  }

  private func measurement(_ engine: Engine, _ codec: PackedCodec) throws -> KernelMeasurement {
    let small = try PackedLayout(codec: codec, rows: Self.fewRows, columns: Self.width)
    let large = try largest(engine, small)
    var row = KernelMeasurement(instructionSet: engine.instructionSet.rawValue)
    row.isSupported = true
    row.codec = codec.rawValue
    row.threads = engine.pool.threads
    let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(matrix)[..<large.byteCount])
    let gigabytes = Double(bytes.count) / 1e9
    row.readLimit = gigabytes / (try time { engine.read(bytes) })
    row.oneColumn = gigabytes / (try time { multiply(engine, large, columns: 1) })
    row.twoColumns = gigabytes / (try time { multiply(engine, large, columns: 2) })
    let operations = Double(2 * small.rows * small.columns * Self.manyColumns)
    row.manyColumns = operations / 1e9 / (try time { multiply(engine, small, columns: Self.manyColumns) })
    return row
  }

  /// The matrix for the tests with few columns: all the memory, less where a kernel would take longer than the budget. One
  /// that slow is bound by arithmetic, so that it matters little whether a cache holds the matrix.
  private func largest(_ engine: Engine, _ small: PackedLayout) throws -> PackedLayout {
    let seconds = Double(seconds: ContinuousClock().measure { multiply(engine, small, columns: 1) })
    let most = try Self.rows(of: small.codec, bytes: matrix.count)
    let affordable = Int(min(Double(most), Self.budget / max(seconds, 1e-9) * Double(small.rows)))
    let rows = max(small.rows, affordable / PackedLayout.tileRows * PackedLayout.tileRows)
    return try PackedLayout(codec: small.codec, rows: rows, columns: small.columns)
  }

  private func multiply(_ engine: Engine, _ layout: PackedLayout, columns: Int) {
    guard let bytes = matrix.baseAddress else { return }
    let target = Panel(values: output.values, width: layout.paddedRows, columns: columns)
    engine.matmul(
      MatmulTask(
        matrix: PackedMatrix(layout: layout, bytes: UnsafeRawPointer(bytes)), columns: 0..<columns, input: input,
        codes: layout.codec == .f16 ? nil : codes, output: target))
  }

  /// Median seconds of `body`, after one run to warm up.
  private func time(_ body: () -> Void) throws -> Double {
    let clock = ContinuousClock()
    var times: [Double] = []
    var total = 0.0
    for repetition in 0...repetitions {
      if Interrupt.isRequested { throw SessionError.cancelled }
      let seconds = Double(seconds: clock.measure(body))
      total += seconds
      if repetition > 0 || total > Self.budget { times.append(seconds) }
      if total > Self.budget { break }
    }
    return times.sorted()[times.count / 2]
  }

  private static func rows(of codec: PackedCodec, bytes: Int) throws -> Int {
    let tile = try PackedLayout(codec: codec, rows: PackedLayout.tileRows, columns: width).byteCount
    return bytes / tile * PackedLayout.tileRows
  }
}
