import DeRaKernels
import DeRaTestSupport
import RealModule
import Testing

/// Keys or values of some positions, in whatever way a cache holds them, with what they are worth.
private struct TestPlane {
  let plane: CachePlane
  /// `[positions, kvHeads · headDim]`, as coded.
  let worth: [Float]

  /// Writes position after position, as a decoder does; a plane with fewer slots keeps the last.
  init(_ codec: CacheCodec, _ vectors: [Float], shape: AttentionShape, slots: Int, by engine: Engine) {
    let (kvHeads, headDim) = (shape.kvHeads, shape.headDim)
    let width = kvHeads * headDim
    let bytes = CachePlane.byteCount(codec, kvHeads: kvHeads, headDim: headDim, slots: slots)
    let memory = Memory([UInt32](repeating: 0xffff_ffff, count: bytes / 4 + 1))
    let plane = CachePlane(codec, memory: memory.pointer, kvHeads: kvHeads, headDim: headDim, slots: slots)
    let rotations = Rotations(inverseFrequencies: Array(repeating: 0, count: headDim / 2), columns: 1)
    [Int32(0)].withUnsafeBufferPointer { rotations.set($0) }
    let query = OwnedPanel(width: shape.heads * headDim, columns: 1)
    var worth = vectors
    for position in 0..<vectors.count / width {
      let vector = OwnedPanel(Array(vectors[position * width..<(position + 1) * width]), width: width, columns: 1)
      let view = Memory([CacheView(keys: plane, values: plane, visible: position..<position + 1)])
      engine.rotateAndCache(
        queries: query.view, keys: vector.view, values: vector.view, rotations, caches: view.pointer, shape: shape)
      for index in 0..<width {
        let place = (index / headDim * slots + position % slots) * headDim + index % headDim
        worth[position * width + index] = Self.value(plane, place, headDim)
      }
    }
    self.plane = plane
    self.worth = worth
  }

  private static func value(_ plane: CachePlane, _ place: Int, _ headDim: Int) -> Float {
    guard let scales = plane.scales else {
      return Float(Float16(bitPattern: plane.elements.assumingMemoryBound(to: UInt16.self)[place]))
    }
    return Float(plane.elements.assumingMemoryBound(to: Int8.self)[place]) * scales[place / headDim]
  }
}

@Suite struct AttentionTests {
  /// f32 sums of some hundred products of numbers below 2.
  static let tolerance = 3e-6

  private func attend(
    _ engine: Engine, _ queries: OwnedPanel, _ keys: CachePlane, _ values: CachePlane, _ ranges: [Range<Int>],
    _ shape: AttentionShape
  ) -> [Float] {
    let views = Memory(ranges.map { CacheView(keys: keys, values: values, visible: $0) })
    let output = OwnedPanel(width: queries.view.width, columns: ranges.count)
    let capacity = ranges.map(\.count).max() ?? 0
    let scores = Memory([Float](repeating: 0, count: engine.pool.threads * shape.group * capacity))
    engine.attention(
      queries.view, caches: views.pointer, shape: shape,
      scratch: AttentionScratch(scores: scores.pointer, capacity: capacity), into: output.view)
    return output.memory.array
  }

  @Test(arguments: CacheCodec.allCases, [(8, 1), (20, 3), (64, 3), (64, 7), (48, 4)])
  func equalsTheFormula(codec: CacheCodec, dimensions: (headDim: Int, group: Int)) throws {
    let (headDim, group) = dimensions
    let shape = AttentionShape(heads: 2 * group, kvHeads: 2, headDim: headDim, scale: 0.3)
    var generator = SeededGenerator(seed: 11)
    let engine = try makeEngine()
    let kvWidth = 2 * headDim
    let keys = TestPlane(codec, generator.floats(70 * kvWidth, in: -2...2), shape: shape, slots: 70, by: engine)
    let values = TestPlane(codec, generator.floats(70 * kvWidth, in: -2...2), shape: shape, slots: 70, by: engine)
    let ranges = [0..<1, 0..<70, 13..<40, 69..<70]
    let queries = OwnedPanel(generator.floats(shape.heads * headDim * 4), width: shape.heads * headDim, columns: 4)

    var expected: [Double] = []
    for (column, visible) in ranges.enumerated() {
      for head in 0..<shape.heads {
        let query = queries.view.column(column) + head * headDim
        func worth(_ plane: TestPlane, _ position: Int, _ index: Int) -> Double {
          Double(plane.worth[position * kvWidth + head / group * headDim + index])
        }
        let weights = visible.map { position in
          Double.exp(0.3 * (0..<headDim).reduce(0.0) { $0 + Double(query[$1]) * worth(keys, position, $1) })
        }
        let total = weights.reduce(0, +)
        for index in 0..<headDim {
          expected.append(zip(visible, weights).reduce(0.0) { $0 + $1.1 / total * worth(values, $1.0, index) })
        }
      }
    }
    let found = attend(engine, queries, keys.plane, values.plane, ranges, shape)
    #expect(mismatch(found, expected, tolerance: Self.tolerance) == nil)
    for threads in 2...3 {
      let again = attend(
        try makeEngine(.best, threads: threads), queries, keys.plane, values.plane, ranges, shape)
      #expect(again == found, "\(threads) threads")
    }
  }

  @Test("a plane of few slots gives what one of many gives", arguments: CacheCodec.allCases)
  func ringsWrapUnseen(codec: CacheCodec) throws {
    let shape = AttentionShape(heads: 6, kvHeads: 2, headDim: 32, scale: 0.3)
    var generator = SeededGenerator(seed: 12)
    let engine = try makeEngine(.best)
    let keys = generator.floats(90 * 64, in: -2...2)
    let values = generator.floats(90 * 64, in: -2...2)
    let ranges = [50..<90, 60..<81, 64..<75, 80..<90]
    let queries = OwnedPanel(generator.floats(192 * 4), width: 192, columns: 4)
    let results = [90, 40].map { slots in
      attend(
        engine, queries, TestPlane(codec, keys, shape: shape, slots: slots, by: engine).plane,
        TestPlane(codec, values, shape: shape, slots: slots, by: engine).plane, ranges, shape)
    }
    #expect(results[0] == results[1])
  }

  @Test func int8CodesAreTheNearest() throws {
    let shape = AttentionShape(heads: 2, kvHeads: 2, headDim: 40, scale: 1)
    var generator = SeededGenerator(seed: 13)
    let vectors = generator.floats(80 * 3, in: -5...5)
    let plane = TestPlane(.int8, vectors, shape: shape, slots: 3, by: try makeEngine()).plane
    let scales = try #require(plane.scales)
    for head in 0..<2 {
      for position in 0..<3 {
        let values = vectors[position * 80 + head * 40..<position * 80 + head * 40 + 40]
        let scale = values.reduce(0) { max($0, abs($1)) } / 127
        #expect(scales[head * 3 + position] == scale)
        let codes = plane.elements.assumingMemoryBound(to: Int8.self) + (head * 3 + position) * 40
        let expected = values.map { Int8(($0 * (1 / scale)).rounded(.toNearestOrEven)) }
        #expect(Array(UnsafeBufferPointer(start: codes, count: 40)) == expected)
      }
    }
  }

  /// Scores far apart, whose exponentials overflow or vanish unless the largest is taken out first.
  @Test func extremeScores() throws {
    let shape = AttentionShape(heads: 1, kvHeads: 1, headDim: 2, scale: 1)
    let engine = try makeEngine()
    let keys = TestPlane(.f16, [60000, 0, -60000, 0, 59008, 0], shape: shape, slots: 3, by: engine)
    let values = TestPlane(.f16, [1, 0, 2, 0, 4, 0], shape: shape, slots: 3, by: engine)
    let query = OwnedPanel([1, 0], width: 2, columns: 1)
    #expect(attend(engine, query, keys.plane, values.plane, [0..<3], shape) == [1, 0])
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

  @Test("a bias kept out of the cache is scored as if it were in the keys", arguments: InstructionSet.supported)
  func keyBias(_ set: InstructionSet) throws {
    let (headDim, group, count) = (24, 3, 70)
    let shape = AttentionShape(heads: 2 * group, kvHeads: 2, headDim: headDim, scale: 0.05)
    var generator = SeededGenerator(seed: 13)
    let engine = try makeEngine(set, threads: 2)
    let width = 2 * headDim
    let plane = TestPlane(.int8, generator.floats(count * width), shape: shape, slots: count, by: engine)
    let values = TestPlane(.f16, generator.floats(count * width), shape: shape, slots: count, by: engine)
    let bias = Memory(generator.floats(width, in: -300...300))
    let half = headDim / 2
    let rotations = Rotations(
      inverseFrequencies: (0..<half).map { 1 / Float(1 << $0) }, magnitude: 1.25, columns: 1)
    let table = Memory([Float](repeating: 0, count: count * headDim))
    for position in 0..<count {
      let row = table.pointer + position * headDim
      rotations.write(Int32(position), cosines: row, sines: row + half)
    }
    let queries = OwnedPanel(
      generator.floats(shape.heads * headDim, in: -0.02...0.02), width: shape.heads * headDim, columns: 1)
    let visible = 9..<count
    let view = Memory([
      CacheView(
        keys: plane.plane, values: values.plane, visible: visible,
        keyBias: KeyBias(values: bias.pointer, positions: table.pointer))
    ])
    let output = OwnedPanel(width: queries.view.width, columns: 1)
    let scores = Memory([Float](repeating: 0, count: 2 * group * visible.count))
    let factors = Memory([Float](repeating: 0, count: 2 * group * headDim))
    engine.attention(
      queries.view, caches: view.pointer, shape: shape,
      scratch: AttentionScratch(scores: scores.pointer, capacity: visible.count, factors: factors.pointer),
      into: output.view)

    let keys = BiasedKeys(codes: plane, bias: bias, table: table, headDim: headDim, width: width)
    let expected = Self.attention(shape, queries, visible, values: values.worth) { keys.value($0, $1, $2) }
    #expect(mismatch(output.memory.array, expected, tolerance: 1e-5) == nil)
  }

  /// Keys that are cached without their bias, which their positions turn.
  private struct BiasedKeys {
    let codes: TestPlane
    let bias: Memory<Float>
    /// Cosines and sines, `[positions, headDim]`.
    let table: Memory<Float>
    let headDim: Int
    let width: Int

    func value(_ position: Int, _ head: Int, _ index: Int) -> Double {
      let half = headDim / 2
      let first = head * headDim + index % half
      let cosine = Double(table.array[position * headDim + index % half])
      let sine = Double(table.array[position * headDim + half + index % half])
      let (left, right) = (Double(bias.array[first]), Double(bias.array[first + half]))
      let turned = index < half ? left * cosine - right * sine : right * cosine + left * sine
      return Double(codes.worth[position * width + head * headDim + index]) + turned
    }
  }

  /// Attention of one column in double precision, `[heads * headDim]`.
  /// - Parameter key: a key's element at a position, a head and an index.
  private static func attention(
    _ shape: AttentionShape, _ queries: OwnedPanel, _ visible: Range<Int>, values: [Float],
    key: (Int, Int, Int) -> Double
  ) -> [Double] {
    let (headDim, group) = (shape.headDim, shape.heads / shape.kvHeads)
    return (0..<shape.heads).flatMap { head in
      let query = queries.view.column(0) + head * headDim
      let weights = visible.map { position in
        let product = (0..<headDim).reduce(0.0) { $0 + Double(query[$1]) * key(position, head / group, $1) }
        return Double.exp(product * Double(shape.scale))
      }
      let total = weights.reduce(0, +)
      return (0..<headDim).map { index in
        let place = head / group * headDim + index
        return zip(visible, weights).reduce(0.0) { sum, pair in
          sum + pair.1 * Double(values[pair.0 * shape.kvHeads * headDim + place])
        } / total
      }
    }
  }
}
