import Kernels
import RealModule
import Testing

@Suite struct AttentionTests {
  /// f32 sums of some hundred products of numbers below 2.
  static let tolerance = 3e-6

  @Test(arguments: [8, 20, 64], [1, 3]) func equalsTheFormula(headDim: Int, group: Int) throws {
    let shape = AttentionShape(heads: 2 * group, kvHeads: 2, headDim: headDim, scale: 0.3)
    var generator = SeededGenerator(state: 11)
    let capacity = 70
    let kvWidth = 2 * headDim
    let width = shape.heads * headDim
    let keys = Memory(generator.floats(capacity * kvWidth, in: -2...2).map { Float16($0).bitPattern })
    let values = Memory(generator.floats(capacity * kvWidth, in: -2...2).map { Float16($0).bitPattern })
    let ranges = [0..<1, 0..<70, 13..<40, 69..<70]
    let views = Memory(ranges.map { CacheView(keys: keys.pointer, values: values.pointer, visible: $0) })
    let queries = OwnedPanel(generator.floats(width * 4), width: width, columns: 4)
    let output = OwnedPanel(width: width, columns: 4)
    let engine = try makeEngine()
    let scores = Memory([Float](repeating: 0, count: capacity))
    engine.attention(
      queries.view, caches: views.pointer, shape: shape,
      scratch: AttentionScratch(scores: scores.pointer, capacity: capacity), into: output.view)

    var expected: [Double] = []
    for (column, visible) in ranges.enumerated() {
      for head in 0..<shape.heads {
        let query = queries.view.column(column) + head * headDim
        func half(_ memory: Memory<UInt16>, _ position: Int, _ index: Int) -> Double {
          Double(Float16(bitPattern: memory.pointer[position * kvWidth + head / group * headDim + index]))
        }
        let weights = visible.map { position in
          Double.exp(0.3 * (0..<headDim).reduce(0.0) { $0 + Double(query[$1]) * half(keys, position, $1) })
        }
        let total = weights.reduce(0, +)
        for index in 0..<headDim {
          expected.append(zip(visible, weights).reduce(0.0) { $0 + $1.1 / total * half(values, $1.0, index) })
        }
      }
    }
    #expect(mismatch(output.memory.array, expected, tolerance: Self.tolerance) == nil)
  }

  /// Scores far apart, whose exponentials overflow or vanish unless the largest is taken out first.
  @Test func extremeScores() throws {
    let engine = try makeEngine()
    let keys = Memory([Float16(60000), -60000, 59008].map(\.bitPattern))
    let values = Memory([Float16(1), 2, 4].map(\.bitPattern))
    let view = Memory([CacheView(keys: keys.pointer, values: values.pointer, visible: 0..<3)])
    let query = OwnedPanel([1], width: 1, columns: 1)
    let output = OwnedPanel(width: 1, columns: 1)
    engine.attention(
      query.view, caches: view.pointer, shape: AttentionShape(heads: 1, kvHeads: 1, headDim: 1, scale: 1),
      scratch: AttentionScratch(scores: Memory<Float>([0, 0, 0]).pointer, capacity: 3), into: output.view)
    #expect(output.memory.array == [1])
  }
}

@Suite struct HalfTests {
  /// Every half precision number, and the f32 numbers halfway between two and beside that.
  @Test(arguments: InstructionSet.supported) func convertLikeFloat16(_ set: InstructionSet) throws {
    let engine = try makeEngine(set)
    let halves = (0...UInt16.max).map { $0 }
    let wide = Memory([Float](repeating: 0, count: 65536))
    engine.widen(Memory(halves).pointer, count: 65536, into: wide.pointer)
    let wrong = halves.filter { wide.pointer[Int($0)].bitPattern != Float(Float16(bitPattern: $0)).bitPattern }
    #expect(wrong.allSatisfy { Float16(bitPattern: $0).isNaN && wide.pointer[Int($0)].isNaN })

    let around = wide.array.flatMap { value in
      [0, 0xfff, 0x1000, 0x1001].map { Float(bitPattern: value.bitPattern + $0) }
    }
    let narrowed = Memory([UInt16](repeating: 0, count: around.count))
    engine.narrow(Memory(around).pointer, count: around.count, into: narrowed.pointer)
    for (value, bits) in zip(around, narrowed.array) where bits != Float16(value).bitPattern {
      #expect(value.isNaN && Float16(bitPattern: bits).isNaN, "\(value)")
    }
  }
}
