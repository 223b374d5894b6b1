import DeRaKernels
import DeRaTensorCore
import DeRaTestSupport
import RealModule
import Testing

/// The scalar kernels against the formulas, computed in Double. Tolerances are relative to the largest result: f32 sums
/// of some hundred terms are good to about 1e-6; the conformance suite carries that over to every instruction set.
@Suite struct ReferenceTests {
  static let f32 = 2e-6
  static let table: [Int8] = [-32, -26, -21, -17, -13, -9, -6, -2, 0, 3, 6, 10, 14, 18, 23, 31]

  @Test(arguments: PackedCodec.allCases, [nil, PackedCodec.linearInt4Table, table])
  func products(_ codec: PackedCodec, _ table: [Int8]?) throws {
    var generator = SeededGenerator(seed: 1)
    let engine = try makeEngine()
    for (rows, columns) in [(1, 1), (16, 32), (17, 33), (40, 100), (5, 320)] {
      let matrix = try RandomMatrix(codec, rows: rows, columns: columns, table: table, using: &generator)
      let input = OwnedPanel(generator.floats(columns * 3), width: columns, columns: 3)
      let quantized = OwnedQuantized(input.view, by: engine)
      let output = OwnedPanel(width: matrix.packed.layout.paddedRows, columns: 3)
      engine.matmul(
        MatmulTask(
          matrix: matrix.packed, columns: 0..<3, input: input.view, codes: quantized.view, output: output.view))
      for column in 0..<3 {
        let expected = (0..<matrix.packed.layout.paddedRows).map { row in
          row >= rows
            ? 0
            : (0..<columns).reduce(0.0) { sum, index in
              sum + matrix.weights[row * columns + index]
                * (codec == .f16 ? Double(input.view.column(column)[index]) : quantized.view.value(column, index))
            }
        }
        let found = Array(UnsafeBufferPointer(start: output.view.column(column), count: expected.count))
        #expect(mismatch(found, expected, tolerance: Self.f32) == nil, "\(rows) × \(columns)")
      }
    }
  }

  @Test(arguments: PackedCodec.allCases) func unpackedRows(_ codec: PackedCodec) throws {
    var generator = SeededGenerator(seed: 2)
    for table in [nil, Self.table] {
      let matrix = try RandomMatrix(codec, rows: 35, columns: 70, table: table, using: &generator)
      for row in 0..<35 {
        let output = Memory([Float](repeating: .nan, count: 70))
        matrix.packed.unpack(row: row, into: output.pointer)
        #expect(output.array.map(Double.init) == Array(matrix.weights[row * 70..<(row + 1) * 70]))
      }
    }
  }

  @Test func quantization() throws {
    var generator = SeededGenerator(seed: 3)
    let engine = try makeEngine()
    for width in [1, 31, 32, 33, 100] {
      let input = OwnedPanel(generator.floats(width * 2, in: -5...5), width: width, columns: 2)
      let coded = OwnedQuantized(input.view, by: engine).view
      for column in 0..<2 {
        for block in 0..<coded.blocks {
          let range = block * 32..<block * 32 + 32
          let values = range.map { $0 < width ? input.view.column(column)[$0] : 0 }
          let codes = range.map { coded.codes[column * coded.paddedWidth + $0] }
          let scale = values.reduce(0) { max($0, abs($1)) } / 127
          #expect(coded.scales[column * coded.blocks + block] == scale)
          #expect(codes == values.map { Int8(($0 * (1 / scale)).rounded(.toNearestOrEven)) })
          #expect(coded.sums[column * coded.blocks + block] == codes.reduce(0) { $0 + Int32($1) })
        }
      }
    }
  }

  @Test func quantizationOfUnusualBlocks() throws {
    let engine = try makeEngine()
    let values: [Float] = [0, 1e-38, .infinity, .nan, .greatestFiniteMagnitude]
    let input = OwnedPanel(values.flatMap { Array(repeating: $0, count: 32) }, width: 160, columns: 1)
    let coded = OwnedQuantized(input.view, by: engine).view
    let codes = (0..<5).map { coded.codes[$0 * 32] }
    #expect(codes == [0, 0, 0, 0, 127])
    #expect(coded.scales[0] == 0 && coded.scales[1] == 0)
    #expect(coded.scales[2].isNaN && coded.scales[3].isNaN)
    #expect(coded.scales[4] == .greatestFiniteMagnitude / 127)
  }

  @Test func rmsNorm() throws {
    var generator = SeededGenerator(seed: 4)
    let engine = try makeEngine()
    for width in [1, 15, 16, 100, 576] {
      let input = generator.floats(width * 2, in: -3...3)
      let weight = generator.floats(width)
      let panel = OwnedPanel(input, width: width, columns: 2)
      let output = OwnedPanel(width: width, columns: 2)
      engine.rmsNorm(panel.view, weight: Memory(weight).pointer, epsilon: 1e-2, into: output.view)
      let expected = normalised(input, width: width, weight: weight, epsilon: 1e-2)
      #expect(mismatch(output.memory.array, expected, tolerance: Self.f32) == nil, "width \(width)")
    }
    let input = generator.floats(96)
    let weight = generator.floats(24)
    let panel = OwnedPanel(input, width: 48, columns: 2)
    engine.rmsNormHeads(panel.view, headDim: 24, weight: Memory(weight).pointer, epsilon: 1e-5)
    let expected = normalised(input, width: 24, weight: weight, epsilon: 1e-5)
    #expect(mismatch(panel.memory.array, expected, tolerance: Self.f32) == nil)
  }

  private func normalised(_ input: [Float], width: Int, weight: [Float], epsilon: Double) -> [Double] {
    stride(from: 0, to: input.count, by: width).flatMap { start in
      let values = input[start..<start + width].map(Double.init)
      let mean = values.reduce(0) { $0 + $1 * $1 } / Double(width)
      return zip(values, weight).map { $0 / (mean + epsilon).squareRoot() * Double($1) }
    }
  }

  @Test(arguments: [8, 12, 64, 100]) func rotation(headDim: Int) throws {
    var generator = SeededGenerator(seed: 5)
    let half = headDim / 2
    let frequencies = (0..<half).map { Float(Double.pow(10000, -Double($0) / Double(half))) }
    let rotations = Rotations(inverseFrequencies: frequencies, magnitude: 1.25, columns: 3)
    let input = generator.floats(2 * headDim * 3)
    let panel = OwnedPanel(input, width: 2 * headDim, columns: 3)
    let positions: [Int32] = [0, 7, 49]
    positions.withUnsafeBufferPointer { rotations.set($0) }
    try makeEngine().rope(panel.view, rotations)
    var expected = input.map(Double.init)
    for (column, position) in positions.enumerated() {
      for head in 0..<2 {
        for pair in 0..<half {
          let angle = Double(Float(position) * frequencies[pair])
          let (first, second) = ((column * 2 + head) * headDim + pair, (column * 2 + head) * headDim + pair + half)
          let (x, y) = (Double(input[first]), Double(input[second]))
          expected[first] = 1.25 * (x * Double.cos(angle) - y * Double.sin(angle))
          expected[second] = 1.25 * (y * Double.cos(angle) + x * Double.sin(angle))
        }
      }
    }
    #expect(mismatch(panel.memory.array, expected, tolerance: Self.f32) == nil)
  }

  @Test func gates() throws {
    let engine = try makeEngine()
    let gate = stride(from: Float(-30), through: 30, by: 0.013).map { $0 } + [-1000, -90, 90, 1000, 0]
    let up = (0..<gate.count).map { Float($0 % 7) - 3.5 }
    let inputs = (OwnedPanel(gate, width: gate.count, columns: 1), OwnedPanel(up, width: up.count, columns: 1))
    func expect(_ activation: GateActivation, _ formula: (Double) -> Double) {
      let output = OwnedPanel(width: gate.count, columns: 1)
      engine.gate(activation, gate: inputs.0.view, up: inputs.1.view, into: output.view)
      for (index, found) in output.memory.array.enumerated() {
        let expected = formula(Double(gate[index])) * Double(up[index])
        #expect(abs(Double(found) - expected) <= 1e-6 * abs(expected) + 1e-6, "\(activation)(\(gate[index]))")
      }
    }
    expect(.silu) { $0 / (1 + Double.exp(-$0)) }
    expect(.geluTanh) { 0.5 * $0 * (1 + Double.tanh(0.7978845608028654 * ($0 + 0.044715 * $0 * $0 * $0))) }
  }

  @Test func sums() throws {
    let engine = try makeEngine()
    let target = OwnedPanel([1, 2, 3, 4, 5, 6], width: 3, columns: 2)
    let addend = OwnedPanel([10, 20, 30, 40, 50, 60], width: 3, columns: 2)
    engine.add(addend.view, to: target.view)
    #expect(target.memory.array == [11, 22, 33, 44, 55, 66])
    engine.add(addend.view, times: -0.5, to: target.view)
    #expect(target.memory.array == [6, 12, 18, 24, 30, 36])
    engine.addBias(Memory<Float>([1, 2, 3]).pointer, to: target.view)
    #expect(target.memory.array == [7, 14, 21, 25, 32, 39])
    engine.scale(target.view, by: 2)
    #expect(target.memory.array == [14, 28, 42, 50, 64, 78])
  }
}

extension QuantizedPanel {
  /// The value of code `index` of a column.
  func value(_ column: Int, _ index: Int) -> Double {
    Double(codes[column * paddedWidth + index]) * Double(scales[column * blocks + index / 32])
  }
}
