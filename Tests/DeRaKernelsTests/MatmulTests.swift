import DeRaKernels
import DeRaTensorCore
import DeRaTestSupport
import Testing

@Suite struct MatmulTests {
  /// A base, a delta that adds to it for the columns of an aligned model, and columns coded as differences.
  private func product(
    _ engine: Engine, _ codec: PackedCodec, references: [Int32]?, delta: Bool
  ) throws -> (found: [Float], expected: [Double]) {
    var generator = SeededGenerator(seed: 31)
    let (rows, width, columns) = (200, 96, 5)
    let base = try RandomMatrix(codec, rows: rows, columns: width, using: &generator)
    let change = try RandomMatrix(.f16, rows: rows, columns: width, using: &generator)
    let input = OwnedPanel(generator.floats(width * columns), width: width, columns: columns)
    let map = Memory(references ?? Array(repeating: Int32(-1), count: columns))
    let codes = OwnedQuantized(input.view, by: engine, references: map.pointer)
    let output = OwnedPanel(width: 208, columns: columns)
    var tasks = [
      MatmulTask(
        matrix: base.packed, columns: 0..<columns, input: input.view, codes: codes.view, output: output.view,
        references: map.pointer)
    ]
    if delta {
      tasks.append(
        MatmulTask(
          matrix: change.packed, columns: 3..<columns, input: input.view, codes: nil, output: output.view, adds: true))
    }
    tasks.withUnsafeBufferPointer { engine.matmul($0) }
    var expected = [Double](repeating: 0, count: 208 * columns)
    for column in 0..<columns {
      for row in 0..<rows {
        for index in 0..<width {
          let x = Double(input.view.column(column)[index])
          expected[column * 208 + row] += base.weights[row * width + index] * x
          if delta && column >= 3 { expected[column * 208 + row] += change.weights[row * width + index] * x }
        }
      }
    }
    return (output.memory.array, expected)
  }

  @Test("a delta adds to the base's product", arguments: InstructionSet.supported)
  func deltasAdd(_ set: InstructionSet) throws {
    let expected = try product(makeEngine(), .f16, references: nil, delta: true)
    #expect(mismatch(expected.found, expected.expected, tolerance: ReferenceTests.f32) == nil)
    for threads in 1...3 {
      #expect(
        try product(makeEngine(set, threads: threads), .f16, references: nil, delta: true).found == expected.found)
    }
  }

  @Test(
    "columns coded as differences give their own product, on every path the same", arguments: InstructionSet.supported)
  func differences(_ set: InstructionSet) throws {
    let references: [Int32] = [-1, -1, -1, 0, 2]
    let expected = try product(makeEngine(), .int8, references: references, delta: true)
    // Activations in 8 bits: half a step of 1/127 in each of 96 products, of random sign.
    #expect(mismatch(expected.found, expected.expected, tolerance: 0.01) == nil)
    for threads in 1...3 {
      let found = try product(makeEngine(set, threads: threads), .int8, references: references, delta: true).found
      #expect(found == expected.found)
    }
  }

  @Test(
    "a second row of codes makes products 100 times more exact, on every path the same",
    arguments: InstructionSet.supported)
  func secondRows(_ set: InstructionSet) throws {
    func outputs(_ engine: Engine, planes: Int, capacity: Int) throws -> (found: [Float], error: Double) {
      var generator = SeededGenerator(seed: 33)
      let (rows, width, columns) = (72, 96, 4)
      let matrix = try RandomMatrix(.int8, rows: rows, columns: width, using: &generator)
      let input = OwnedPanel(generator.floats(width * columns), width: width, columns: columns)
      // The third column is coded as its difference from the first and has one row only.
      let map = Memory([-1, -1, 0, -1] as [Int32])
      let starts = Memory([0, 2, 4, 5, 7] as [Int32])
      let codes = OwnedQuantized(
        input.view, by: engine, references: map.pointer, planes: planes, starts: planes == 2 ? starts.pointer : nil)
      let sums = Memory([Float](repeating: .nan, count: capacity * engine.pool.threads))
      let output = OwnedPanel([Float](repeating: 1, count: 80 * columns), width: 80, columns: columns)
      engine.matmul(
        MatmulTask(
          matrix: matrix.packed, columns: 0..<columns, input: input.view, codes: codes.view,
          rowProducts: ThreadScratch(values: sums.pointer, capacity: capacity), output: output.view, adds: true,
          references: map.pointer))
      var error = 0.0
      for column in 0..<columns where column != 2 {
        for row in 0..<rows {
          let exact = (0..<width).reduce(1.0) {
            $0 + matrix.weights[row * width + $1] * Double(input.view.column(column)[$1])
          }
          error = max(error, abs(Double(output.view.column(column)[row]) - exact))
        }
      }
      return (output.memory.array, error)
    }
    let room = 7 * PackedLayout.tileRows
    let expected = try outputs(makeEngine(), planes: 2, capacity: room)
    #expect(expected.error * 100 < (try outputs(makeEngine(), planes: 1, capacity: room)).error)
    for (threads, tiles) in [(1, 1), (1, 2), (2, 2), (3, 9)] {
      #expect(try outputs(makeEngine(set, threads: threads), planes: 2, capacity: room * tiles).found == expected.found)
    }
  }

  @Test("a small difference from the reference survives in 8 bits")
  func differencesAreFine() throws {
    var generator = SeededGenerator(seed: 32)
    let engine = try makeEngine()
    let width = 64
    let matrix = try RandomMatrix(.int8, rows: 32, columns: width, using: &generator)
    let reference = generator.floats(width)
    let difference = generator.floats(width, in: -0.001...0.001)
    let input = OwnedPanel(reference + zip(reference, difference).map { $0 + $1 }, width: width, columns: 2)
    func error(_ references: [Int32]) -> Double {
      let map = Memory(references)
      let codes = OwnedQuantized(input.view, by: engine, references: map.pointer)
      let output = OwnedPanel(width: 32, columns: 2)
      engine.matmul(
        MatmulTask(
          matrix: matrix.packed, columns: 0..<2, input: input.view, codes: codes.view, output: output.view,
          references: map.pointer))
      return (0..<32).map { row in
        let exact = (0..<width).reduce(0.0) { $0 + matrix.weights[row * width + $1] * Double(difference[$1]) }
        return abs(Double(output.view.column(1)[row] - output.view.column(0)[row]) - exact)
      }.max() ?? 0
    }
    #expect(error([-1, 0]) * 50 < error([-1, -1]))
  }
}
