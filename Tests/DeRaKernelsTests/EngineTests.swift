import DeRaKernels
import DeRaTensorCore
import DeRaTestSupport
import Testing

@Suite struct EngineTests {
  /// A small layer's worth of work; its results as bits.
  private func results(_ engine: Engine) throws -> [[UInt32]] {
    var generator = SeededGenerator(seed: 21)
    let width = 640
    let columns = 40
    let input = OwnedPanel(generator.floats(width * columns), width: width, columns: columns)
    let normed = OwnedPanel(width: width, columns: columns)
    let weight = Memory(generator.floats(width))
    engine.rmsNorm(input.view, weight: weight.pointer, epsilon: 1e-5, into: normed.view)
    let quantized = OwnedQuantized(normed.view, by: engine)
    var outputs: [OwnedPanel] = []
    var matrices: [RandomMatrix] = []
    var tasks: [MatmulTask] = []
    for (codec, range) in [
      (PackedCodec.int4, 0..<columns), (.f16, 0..<17), (.int8, 17..<columns), (.int8, 0..<0), (.int6, 3..<9),
      (.int2, 0..<columns), (.ternary, 1..<2), (.int1, 0..<columns),
    ] {
      let matrix = try RandomMatrix(codec, rows: 300, columns: width, using: &generator)
      let output = OwnedPanel(width: matrix.packed.layout.paddedRows, columns: columns)
      matrices.append(matrix)
      outputs.append(output)
      tasks.append(
        MatmulTask(
          matrix: matrix.packed, columns: range, input: normed.view, codes: quantized.view, output: output.view))
    }
    tasks.withUnsafeBufferPointer { engine.matmul($0) }
    let rotated = OwnedPanel(outputs[0].memory.array, width: 304, columns: columns)
    let rotations = Rotations(inverseFrequencies: [1, 0.5, 0.25, 0.1, 0.03, 0.01, 0.002, 0.001], columns: columns)
    (0..<Int32(columns)).map { $0 }.withUnsafeBufferPointer { rotations.set($0) }
    engine.rope(rotated.view, rotations)
    let gated = OwnedPanel(width: 304, columns: columns)
    engine.gate(.silu, gate: rotated.view, up: outputs[0].view, into: gated.view)
    let attended = CacheCodec.allCases.map { codec in
      attention(engine, codec, rotations, queries: rotated.memory.array, vectors: gated.memory.array)
    }
    return (outputs + [normed, rotated, gated] + attended).map { $0.memory.array.map(\.bitPattern) }
  }

  private func attention(
    _ engine: Engine, _ codec: CacheCodec, _ rotations: Rotations, queries: [Float], vectors: [Float]
  ) -> OwnedPanel {
    let columns = rotations.columns
    let bytes = CachePlane.byteCount(codec, kvHeads: 19, headDim: 16, slots: columns)
    let memory = Memory([UInt32](repeating: 0, count: bytes / 4))
    let plane = CachePlane(codec, memory: memory.pointer, kvHeads: 19, headDim: 16, slots: columns)
    let views = Memory((0..<columns).map { CacheView(keys: plane, values: plane, visible: 0..<$0 + 1) })
    let shape = AttentionShape(heads: 19, kvHeads: 19, headDim: 16, scale: 0.25)
    let panels = [queries, vectors, vectors].map { OwnedPanel($0, width: 304, columns: columns).view }
    engine.rotateAndCache(
      queries: panels[0], keys: panels[1], values: panels[2], rotations, caches: views.pointer, shape: shape)
    let scores = Memory([Float](repeating: 0, count: columns * engine.pool.threads))
    let output = OwnedPanel(width: 304, columns: columns)
    engine.attention(
      panels[0], caches: views.pointer, shape: shape,
      scratch: AttentionScratch(scores: scores.pointer, capacity: columns), into: output.view)
    return output
  }

  @Test(arguments: InstructionSet.supported) func resultsDoNotDependOnThreadsOrInstructionSet(_ set: InstructionSet)
    throws
  {
    let expected = try results(makeEngine())
    for threads in 1...3 { #expect(try results(makeEngine(set, threads: threads)) == expected, "\(threads) threads") }
  }

  @Test func columnsOutsideATaskStayAsTheyWere() throws {
    let found = try results(makeEngine(InstructionSet.best, threads: 2))
    let untouched = Float(-777).bitPattern
    #expect(found[1][17 * 304..<40 * 304].allSatisfy { $0 == untouched })
    #expect(found[2][0..<17 * 304].allSatisfy { $0 == untouched })
    #expect(found[3].allSatisfy { $0 == untouched })
    #expect(!found[1][0..<17 * 304].contains(untouched) && !found[2][(17 * 304)...].contains(untouched))
  }

  @Test(arguments: InstructionSet.supported, PackedCodec.allCases)
  func oneColumnAloneEqualsItAmongOthers(_ set: InstructionSet, _ codec: PackedCodec) throws {
    var generator = SeededGenerator(seed: 22)
    let engine = try makeEngine(set)
    let matrix = try RandomMatrix(codec, rows: 90, columns: 200, using: &generator)
    let input = OwnedPanel(generator.floats(200 * 9), width: 200, columns: 9)
    func product(_ columns: Range<Int>) -> [Float] {
      let part = input.view.slice(columns: columns)
      let output = OwnedPanel(width: 96, columns: columns.count)
      engine.matmul(
        MatmulTask(
          matrix: matrix.packed, columns: 0..<columns.count, input: part,
          codes: OwnedQuantized(part, by: engine).view, output: output.view))
      return output.memory.array
    }
    #expect(product(0..<9) == (0..<9).flatMap { product($0..<$0 + 1) })
  }
}

@Suite struct InstructionSetTests {
  @Test func bestIsSupportedAndScalarAlwaysIs() {
    #expect(InstructionSet.supported.first == .scalar)
    #expect(InstructionSet.supported.last == InstructionSet.best)
  }

  @Test func namesRoundTrip() throws {
    for set in InstructionSet.supported { #expect(try InstructionSet(named: set.rawValue) == set) }
  }

  @Test(arguments: ["", "AVX2", "mmx"]) func unknownNamesAreRefusedWithTheChoices(name: String) {
    let error = #expect(throws: InstructionSetError.self) { try InstructionSet(named: name) }
    #expect(error?.description.contains("'\(name)'") == true)
    #expect(error?.description.contains("scalar") == true)
  }

  @Test func setsOfOtherMachinesAreRefused() {
    let missing = InstructionSet.allCases.filter { !$0.isSupported }
    #expect(!missing.isEmpty)
    for set in missing {
      #expect(throws: InstructionSetError.self) { try InstructionSet(named: set.rawValue) }
      #expect(throws: InstructionSetError.self) { try makeEngine(set) }
    }
  }
}
