import DeRa
import DeRaCheckpoints
import DeRaConversion
import DeRaKernels
import DeRaTestSupport
import Testing

/// Sessions that blend weights.
@Suite struct WeightBlendSessionTests {
  /// (1 − λ)·reference + λ·aligned
  private struct Blended: TensorSource {
    let reference: any TensorSource
    let aligned: any TensorSource
    let lambda: Float
    var rows: Int { reference.rows }
    var columns: Int { reference.columns }

    func read(rows: Range<Int>, into output: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
      try reference.read(rows: rows, into: output)
      let start = rows.lowerBound * columns
      for (index, value) in try aligned.readAll()[start..<rows.upperBound * columns].enumerated() {
        output[index] = (1 - lambda) * output[index] + lambda * value
      }
    }

    func release() {}
  }

  private func logits(
    _ bundle: ModelBundle, _ tokens: [Int32], _ lambdas: [Float], blend: Blend, engine: Engine
  ) throws -> [[[Float]]] {
    let session = try DecodingSession(
      bundle: bundle, contextLength: tokens.count, engine: engine, maxOutputs: 5, blend: blend)
    var result = [[[Float]]](repeating: [], count: lambdas.count)
    try session.forEachLogits(of: tokens, lambdas.map { Realignment(lambdas: [$0]) }) { result[$0].append(Array($2)) }
    return result
  }

  @Test("equals the model of blended weights", arguments: Golden.pairs, [-0.5, 0.5, 1.5] as [Float])
  func equalsBlendedCheckpoint(name: String, lambda: Float) async throws {
    let tokens = try Golden(name).tokens
    let engine = try Engine(InstructionSet.best)
    let pair = try await Golden.bundle(name, aligned: [name + "-aligned"], bits: .sixteen)
    var blended = try Checkpoint.open(path: Golden.folder + name)
    let aligned = try Checkpoint.open(path: Golden.folder + name + "-aligned")
    for (tensor, source) in blended.tensors {
      blended.tensors[tensor] = Blended(
        reference: source, aligned: try #require(aligned.tensors[tensor]), lambda: lambda)
    }
    let directory = try TemporaryDirectory()
    let converter = try Converter(
      reference: NamedCheckpoint(name: "blended", checkpoint: blended), aligned: [],
      options: ConversionOptions(bits: .sixteen))
    _ = try await converter.convert(to: directory.file("bundle.dera")) { _ in }
    let expected = try ModelBundle(path: directory.file("bundle.dera")).logits(
      tokens, [Realignment(lambdas: [])], engine: engine)[0]
    let found = try logits(pair, tokens, [lambda], blend: .weights, engine: engine)[0]
    // The converted weights are rounded to f16 once more.
    #expect(meanKL(expected, found) <= 1e-5)
    let ofLogits = try logits(pair, tokens, [lambda], blend: .logits, engine: engine)[0]
    #expect(meanKL(expected, ofLogits) > 1e-4, "blending logits is something else")
  }

  @Test("λ = 0 and λ = 1 are the models alone to the bit", arguments: Golden.pairs, ConversionBits.allCases)
  func endsAreExact(name: String, bits: ConversionBits) async throws {
    let tokens = try Golden(name).tokens
    let pair = try await Golden.bundle(name, aligned: [name + "-aligned"], bits: bits)
    let engine = try Engine(InstructionSet.best)
    let weights = try logits(pair, tokens, [0, 1], blend: .weights, engine: engine)
    for (index, lambda) in [Float(0), 1].enumerated() {
      #expect(weights[index] == (try logits(pair, tokens, [lambda], blend: .logits, engine: engine)[0]))
    }
  }

  @Test("a λ that changes between tokens gives what it gives from the start", arguments: ConversionBits.allCases)
  func lambdaChanges(bits: ConversionBits) async throws {
    let tokens = try Golden("gemma3").tokens
    let pair = try await Golden.bundle("gemma3", aligned: ["gemma3-aligned"], bits: bits)
    let engine = try Engine(InstructionSet.best, threads: 2)
    let lambdas: [Float] = [0, 0.5, 2, -1]
    let expected = try logits(pair, tokens, lambdas, blend: .weights, engine: engine)
    let session = try DecodingSession(bundle: pair, contextLength: tokens.count, engine: engine, blend: .weights)
    for (position, token) in tokens.enumerated() {
      try session.append([token])
      // Two steps with each.
      let choice = position / 2 % lambdas.count
      #expect(Array(try session.logits(Realignment(lambdas: [lambdas[choice]]))) == expected[choice][position])
    }
    #expect(
      session.memory.kvBytes * 2
        == (try DecodingSession(bundle: pair, contextLength: tokens.count, engine: engine)).memory.kvBytes)
  }

  @Test(
    "sequences of different λ that step together get what each gets alone", arguments: [ConversionBits.sixteen, .four])
  func batches(bits: ConversionBits) async throws {
    let tokens = try Golden("llama3").tokens
    let pair = try await Golden.bundle("llama3", aligned: ["llama3-aligned"], bits: bits)
    let lambdas: [Float] = [0.5, 0, 2, 0.5]
    let engine = try Engine(.scalar, threads: 2)
    let batch = try DecodingBatch(
      bundle: pair, count: lambdas.count, contextLength: tokens.count, engine: engine, blend: .weights)
    for (index, session) in batch.sessions.enumerated() { try session.append(tokens[index...]) }
    var found: [[Float]] = []
    try batch.logits(lambdas.map { Realignment(lambdas: [$0]) }) { found.append(Array($1)) }
    for (index, lambda) in lambdas.enumerated() {
      let alone = try logits(
        pair, Array(tokens[index...]), [lambda], blend: .weights, engine: Engine(InstructionSet.best))
      #expect(alone[0].last == found[index], "sequence \(index)")
    }
  }

  @Test("several λ of a known text at once equal each alone", arguments: [ConversionBits.sixteen, .eight])
  func teacherForcing(bits: ConversionBits) async throws {
    let tokens = try Golden("llama3").tokens
    let pair = try await Golden.bundle("llama3", aligned: ["llama3-aligned"], bits: bits)
    let engine = try Engine(InstructionSet.best, threads: 2)
    let lambdas: [Float] = [0.5, 0, 1, -1]
    let session = try DecodingSession(
      bundle: pair, contextLength: tokens.count, engine: engine, maxOutputs: 4, blend: .weights, mixtures: 4)
    let forcing = try TeacherForcing(session: session, realignments: lambdas.map { Realignment(lambdas: [$0]) })
    var scratch = [Float](repeating: 0, count: forcing.vocabularySize)
    var found = [[[Float]]](repeating: [], count: lambdas.count)
    try forcing.start(tokens)
    while case let positions = forcing.next(), !positions.isEmpty {
      for position in positions {
        for index in lambdas.indices {
          found[index].append(
            scratch.withUnsafeMutableBufferPointer { Array(forcing.logits(index, at: position, scratch: $0)) })
        }
      }
    }
    #expect(found == (try logits(pair, tokens, lambdas, blend: .weights, engine: engine)))
  }
}
