import DeRaKernels
import DeRaTensorCore
import DeRaTestSupport

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

  init(
    _ panel: Panel, by engine: Engine, references: UnsafePointer<Int32>? = nil, planes: Int = 1,
    starts: UnsafePointer<Int32>? = nil
  ) {
    let (columns, width) = (panel.columns, panel.width)
    memory = Memory(
      Array(repeating: 0xaa, count: QuantizedPanel.byteCount(columns: columns, width: width, planes: planes)))
    view = QuantizedPanel(memory: memory.pointer, columns: columns, width: width, planes: planes, starts: starts)
    let scratch = Memory([Float](repeating: 0, count: width * engine.pool.threads))
    engine.quantize(
      panel, into: view, references: references, scratch: ThreadScratch(values: scratch.pointer, capacity: width))
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
    func put(_ bits: some FixedWidthInteger, at offset: Int) {
      for index in 0..<bits.bitWidth / 8 { packed[offset + index] = UInt8(truncatingIfNeeded: bits >> (8 * index)) }
    }
    for row in 0..<rows {
      let tile = row / 16 * layout.tileBytes
      for column in 0..<columns {
        let position = Position(row: row % 16, column: column % 32)
        let block = tile + codec.rowScaleBytes + column / 32 * codec.blockBytes
        if codec == .f16 {
          let value = Float16(Float.random(in: -1...1, using: &generator))
          put(value.bitPattern, at: block + 32 * position.column + 2 * position.row)
          weights[row * columns + column] = Double(value)
          continue
        }
        // Few bits, so that it times a code is exact.
        let step = codec.rowScaleBytes > 0 ? row * 7 % 11 : row * 7 + column / 32 * 3 % 11
        let scale = (1 + Float(step) / 16) / 64
        if codec.rowScaleBytes > 0 {
          put(scale.bitPattern, at: tile + 4 * position.row)
        } else {
          put(Float16(scale).bitPattern, at: block + 2 * position.row)
        }
        let code =
          codec == .int8
          ? UInt8(bitPattern: .random(in: -127...127, using: &generator))
          : UInt8.random(in: 0...codec.greatestCode, using: &generator)
        for (offset, bits) in position.bits(of: code, codec) { packed[block + offset] |= bits }
        weights[row * columns + column] =
          Double(codec.value(of: code, table)) * Double(codec.rowScaleBytes > 0 ? scale : Float(Float16(scale)))
      }
    }
    self.weights = weights
    self.packed = PackedMatrix(
      layout: layout, bytes: Memory(packed).pointer, table: table.map { UnsafePointer(Memory($0).pointer) })
  }

  /// A place in a block.
  private struct Position {
    let row: Int
    let column: Int

    /// Which bytes of the block a code goes to, and how it looks there.
    func bits(of code: UInt8, _ codec: PackedCodec) -> [(offset: Int, bits: UInt8)] {
      let lane = 4 * row + column % 4
      func fourBits(_ code: UInt8) -> (Int, UInt8) { (column / 8 * 64 + lane, column % 8 < 4 ? code : code << 4) }
      func twoBits(_ code: UInt8) -> (Int, UInt8) { (column / 16 * 64 + lane, code << (column % 16 / 4 * 2)) }
      switch codec {
      case .f16: return []
      case .int8: return [(32 + column / 4 * 64 + lane, code)]
      case .int6:
        let (low, high) = (fourBits(code & 15), twoBits(code >> 4))
        return [(32 + low.0, low.1), (32 + 256 + high.0, high.1)]
      case .int4:
        let byte = fourBits(code)
        return [(32 + byte.0, byte.1)]
      case .int2, .ternary: return [twoBits(code)]
      case .int1: return [(lane, code << (column / 4))]
      }
    }
  }
}

extension PackedCodec {
  fileprivate var greatestCode: UInt8 {
    switch self {
    case .f16, .int8: 255
    case .int6: 63
    case .int4: 15
    case .int2: 3
    case .ternary: 2
    case .int1: 1
    }
  }

  fileprivate func value(of code: UInt8, _ table: [Int8]?) -> Int {
    switch self {
    case .f16: 0
    case .int8: Int(Int8(bitPattern: code))
    case .int6: Int(code) - 32
    case .int4: Int((table ?? Self.linearInt4Table)[Int(code)])
    case .int2: 2 * Int(code) - 3
    case .ternary: Int(code) - 1
    case .int1: 2 * Int(code) - 1
    }
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
