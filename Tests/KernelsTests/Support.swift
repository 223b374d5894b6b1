import Kernels
import TensorCore

/// SplitMix64, so that a failure repeats.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }

  mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
    (0..<count).map { _ in Float.random(in: range, using: &self) }
  }
}

/// Memory that outlives every view into it: it is left to the end of the process.
struct Memory<Element> {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int

  init(_ elements: [Element]) {
    pointer = .allocate(capacity: max(elements.count, 1))
    count = elements.count
    for (index, element) in elements.enumerated() { pointer[index] = element }
  }

  var array: [Element] { Array(UnsafeBufferPointer(start: pointer, count: count)) }
}

/// A panel and its memory.
struct OwnedPanel {
  let memory: Memory<Float>
  let view: Panel

  init(_ values: [Float], width: Int, columns: Int) {
    memory = Memory(values)
    view = Panel(values: memory.pointer, width: width, stride: values.count / columns, columns: columns)
  }

  /// Filled with a value that no result is.
  init(width: Int, columns: Int) {
    self.init(Array(repeating: -777, count: width * columns), width: width, columns: columns)
  }
}

/// A quantized panel and its memory.
struct OwnedQuantized {
  let memory: Memory<UInt8>
  let view: QuantizedPanel

  init(_ panel: Panel, by engine: Engine, differences: ColumnDifferences? = nil) {
    memory = Memory(
      Array(repeating: 0xaa, count: QuantizedPanel.byteCount(columns: panel.columns, width: panel.width)))
    view = QuantizedPanel(memory: memory.pointer, columns: panel.columns, width: panel.width)
    engine.quantize(panel, into: view, differences: differences)
  }
}

/// A random matrix with its weights spelled out.
struct RandomMatrix {
  let packed: PackedMatrix
  /// `[rows, columns]`, exact.
  let weights: [Double]

  /// Packed by the words of `PackedLayout`, one weight at a time.
  init(
    _ codec: PackedCodec, rows: Int, columns: Int, table: [Int8]? = nil, using generator: inout SeededGenerator
  ) throws {
    let layout = try PackedLayout(codec: codec, rows: rows, columns: columns)
    var packed = [UInt8](repeating: 0, count: layout.byteCount)
    var weights = [Double](repeating: 0, count: rows * columns)
    func putHalf(_ value: Float16, at offset: Int) {
      packed[offset] = UInt8(truncatingIfNeeded: value.bitPattern)
      packed[offset + 1] = UInt8(value.bitPattern >> 8)
    }
    for row in 0..<rows {
      let lane = row % 16
      for column in 0..<columns {
        let inBlock = column % 32
        let block = row / 16 * layout.tileBytes + column / 32 * codec.blockBytes
        if codec == .f16 {
          let value = Float16(Float.random(in: -1...1, using: &generator))
          putHalf(value, at: block + 32 * inBlock + 2 * lane)
          weights[row * columns + column] = Double(value)
          continue
        }
        let scale = Float16(1 + Float(row * 7 + column / 32 * 3 % 11) / 16) / 64
        putHalf(scale, at: block + 2 * lane)
        if codec == .int8 {
          let code = Int8.random(in: -127...127, using: &generator)
          packed[block + 32 + inBlock / 4 * 64 + 4 * lane + inBlock % 4] = UInt8(bitPattern: code)
          weights[row * columns + column] = Double(code) * Double(scale)
        } else {
          let code = UInt8.random(in: 0...15, using: &generator)
          packed[block + 32 + inBlock / 8 * 64 + 4 * lane + inBlock % 4] |= inBlock % 8 < 4 ? code : code << 4
          weights[row * columns + column] = Double((table ?? PackedCodec.linearInt4Table)[Int(code)]) * Double(scale)
        }
      }
    }
    self.weights = weights
    self.packed = PackedMatrix(
      layout: layout, bytes: Memory(packed).pointer, table: table.map { UnsafePointer(Memory($0).pointer) })
  }
}

func makeEngine(_ set: InstructionSet = .scalar, threads: Int = 1) throws -> Engine {
  try Engine(instructionSet: set, pool: ThreadPool(threads: threads))
}

/// max |found − expected| ≤ tolerance · (largest |expected|), in words when not.
func mismatch(_ found: [Float], _ expected: [Double], tolerance: Double) -> String? {
  guard found.count == expected.count else { return "\(found.count) values instead of \(expected.count)" }
  let largest = expected.reduce(0) { max($0, abs($1)) }
  for (index, (f, e)) in zip(found, expected).enumerated() where !(abs(Double(f) - e) <= tolerance * largest) {
    return "[\(index)]: \(f) instead of \(e)"
  }
  return nil
}
