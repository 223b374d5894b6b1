import DeRa
import DeRaConversion
import DeRaKernels
import DeRaTensorCore
import Testing

typealias ConversionBits = ConversionOptions.Bits

/// f16 weights hold the fixtures' weights exactly, so what is left is the order of float sums and the f16 KV cache.
private let halfPrecisionKL = 1e-5

@Suite struct GoldenLogitsTests {
  @Test("f16 weights give transformers' float32 logits", arguments: Golden.cases, InstructionSet.supported)
  func matchesTransformers(name: String, instructionSet: InstructionSet) async throws {
    let golden = try Golden(name)
    let bundle = try await Golden.bundle(name, bits: .sixteen)
    let engine = try Engine(instructionSet)
    let logits = try bundle.logits(golden.tokens, [Realignment(lambdas: [])], engine: engine)[0]
    #expect(meanKL(golden.logits, logits) <= halfPrecisionKL)
    #expect(golden.logits.map(argmax) == logits.map(argmax))
  }

  @Test("a blend equals the float32 blend of the two models", arguments: Golden.pairs, InstructionSet.supported)
  func blends(name: String, instructionSet: InstructionSet) async throws {
    let reference = try Golden(name)
    let aligned = try Golden(name + "-aligned")
    let bundle = try await Golden.bundle(name, aligned: [name + "-aligned"], bits: .sixteen)
    let lambdas: [Float] = [-1, 0, 0.5, 1, 2, 5]
    let logits = try bundle.logits(
      reference.tokens, lambdas.map { Realignment(lambdas: [$0]) }, engine: Engine(instructionSet))
    for (lambda, actual) in zip(lambdas, logits) {
      let expected = zip(reference.logits, aligned.logits).map { left, right in
        zip(left, right).map { (1 - lambda) * $0 + lambda * $1 }
      }
      // The blend multiplies what differs by up to |λ| + |1 − λ|, and KL grows with its square.
      let amplification = Double(max(1, (abs(lambda) + abs(1 - lambda)) * (abs(lambda) + abs(1 - lambda))))
      #expect(meanKL(expected, actual) <= halfPrecisionKL * amplification, "λ = \(lambda)")
      #expect(expected.map(argmax) == actual.map(argmax), "λ = \(lambda)")
    }
  }
}

@Suite struct ExactnessTests {
  @Test("every instruction set and thread count gives the same bits", arguments: Golden.cases)
  func isPortable(name: String) async throws {
    let golden = try Golden(name)
    let codings = ConversionBits.allCases.map { ($0, ActivationCoding.int8) } + [(.four, .int16)]
    for (bits, coding) in codings {
      let bundle = try await Golden.bundle(name, bits: bits)
      let expected = try bundle.logits(
        golden.tokens, [Realignment(lambdas: [])], engine: Engine(.scalar, activations: coding))
      for instructionSet in InstructionSet.supported {
        for threads in 1...3 {
          let actual = try bundle.logits(
            golden.tokens, [Realignment(lambdas: [])],
            engine: Engine(instructionSet, threads: threads, activations: coding))
          #expect(expected == actual, "\(bits), \(coding), \(instructionSet), \(threads) threads")
        }
      }
    }
  }

  @Test("decoding token by token equals one pass", arguments: Golden.cases)
  func decodesAsItPrefills(name: String) async throws {
    let golden = try Golden(name)
    let bundle = try await Golden.bundle(name, bits: .eight)
    let engine = try Engine(InstructionSet.best)
    let expected = try bundle.logits(golden.tokens, [Realignment(lambdas: [])], engine: engine)[0]
    #expect(try bundle.decodedLogits(golden.tokens, Realignment(lambdas: []), engine: engine) == expected)
  }

  @Test("λ = 0 and λ = 1 are the single models to the bit", arguments: Golden.pairs, ConversionBits.allCases)
  func endsAreTheModels(name: String, bits: ConversionBits) async throws {
    for coding in ActivationCoding.allCases { try await endsAreTheModels(name, bits, coding) }
  }

  private func endsAreTheModels(_ name: String, _ bits: ConversionBits, _ coding: ActivationCoding) async throws {
    let tokens = try Golden(name).tokens
    let engine = try Engine(InstructionSet.best, activations: coding)
    let pair = try await Golden.bundle(name, aligned: [name + "-aligned"], bits: bits)
    for (lambda, model) in [(Float(0), name), (1, name + "-aligned")] {
      let single = try await Golden.bundle(model, bits: bits)
      let expected = try single.logits(tokens, [Realignment(lambdas: [])], engine: engine)[0]
      #expect(try pair.logits(tokens, [Realignment(lambdas: [lambda])], engine: engine)[0] == expected)
      #expect(try pair.decodedLogits(tokens, Realignment(lambdas: [lambda]), engine: engine) == expected)
    }
  }

  @Test("λ may change between tokens", arguments: Golden.pairs, ConversionBits.allCases)
  func lambdaMayChange(name: String, bits: ConversionBits) async throws {
    let tokens = try Golden(name).tokens
    let engine = try Engine(InstructionSet.best)
    let pair = try await Golden.bundle(name, aligned: [name + "-aligned"], bits: bits)
    let lambdas: [Float] = [0, 1, 0.5, 0, 2, 1, 1, -1]
    let expected = try pair.logits(tokens, lambdas.map { Realignment(lambdas: [$0]) }, engine: engine)
    let session = try DecodingSession(bundle: pair, contextLength: tokens.count, engine: engine)
    for (position, token) in tokens.enumerated() {
      try session.append([token])
      let choice = position % lambdas.count
      #expect(Array(try session.logits(Realignment(lambdas: [lambdas[choice]]))) == expected[choice][position])
    }
    // Another continuation of the same prefix, and back.
    session.truncate(to: 5)
    try session.append(tokens[5..<9])
    #expect(Array(try session.logits(Realignment(lambdas: [0.5]))) == expected[2][8])
  }

  @Test("sequences that step together get what each gets alone", arguments: Golden.pairs, ConversionBits.allCases)
  func batches(name: String, bits: ConversionBits) async throws {
    for coding in ActivationCoding.allCases { try await batches(name, bits, coding) }
  }

  private func batches(_ name: String, _ bits: ConversionBits, _ coding: ActivationCoding) async throws {
    let tokens = try Golden(name).tokens
    let pair = try await Golden.bundle(name, aligned: [name + "-aligned"], bits: bits)
    let prompts = [Array(tokens[0..<3]), Array(tokens[4..<9]), Array(tokens[2..<3]), tokens]
    // A λ for every step; nil skips it.
    let plans: [[Float?]] = [[0.5, nil, 0, 2], [1, 1, nil, 0.5], [-1, 3, 0.25, 0.25], [0, 1, 2, nil]]
    let continuation: [Int32] = [7, 1, 5, 9]
    let batch = try DecodingBatch(
      bundle: pair, count: 4, contextLength: tokens.count + 4,
      engine: Engine(.scalar, threads: 2, activations: coding))
    var found: [[[Float]]] = Array(repeating: [], count: 4)
    for step in 0..<4 {
      for (index, session) in batch.sessions.enumerated() {
        try session.append(step == 0 ? prompts[index] : [continuation[step]])
      }
      let realignments = plans.map { plan in plan[step].map { Realignment(lambdas: [$0]) } }
      try batch.logits(realignments) { found[$0].append(Array($1)) }
    }
    let engine = try Engine(InstructionSet.best, activations: coding)
    for index in 0..<4 {
      let session = try DecodingSession(bundle: pair, contextLength: tokens.count + 4, engine: engine)
      var expected: [[Float]] = []
      for step in 0..<4 {
        try session.append(step == 0 ? prompts[index] : [continuation[step]])
        if let lambda = plans[index][step] {
          expected.append(Array(try session.logits(Realignment(lambdas: [lambda]))))
        }
      }
      #expect(found[index] == expected, "sequence \(index)")
    }
  }

  @Test("logits after scoring another text of the same length are not that text's")
  func scoringLeavesNothingBehind() async throws {
    let tokens = try Golden("llama3").tokens
    let engine = try Engine(InstructionSet.best)
    let bundle = try await Golden.bundle("llama3", bits: .eight)
    let only = Realignment(lambdas: [])
    let other = Array(tokens.reversed())
    let session = try DecodingSession(bundle: bundle, contextLength: tokens.count, engine: engine)
    try session.append(tokens)
    let expected = Array(try session.logits(only))
    var scored: [Float] = []
    try session.forEachLogits(of: other, [only]) { _, _, logits in scored = Array(logits) }
    #expect(scored != expected)
    #expect(Array(try session.logits(only)) == scored)
    session.truncate(to: 0)
    try session.append(tokens)
    #expect(Array(try session.logits(only)) == expected)
  }

  @Test("contexts that cannot be are refused", arguments: [0, -1, DecodingSession.maximumContext + 1, Int.max])
  func impossibleContext(length: Int) async throws {
    let engine = try Engine(InstructionSet.best)
    let bundle = try await Golden.bundle("llama3", bits: .eight)
    #expect(throws: SessionError.self) { try DecodingSession(bundle: bundle, contextLength: length, engine: engine) }
  }

  @Test("several aligned models blend as their formula says", arguments: Golden.pairs)
  func severalRewards(name: String) async throws {
    let tokens = try Golden(name).tokens
    let engine = try Engine(InstructionSet.best)
    let aligned = [name + "-aligned", name]
    let bundle = try await Golden.bundle(name, aligned: aligned, bits: .sixteen)
    let models = try bundle.logits(
      tokens, [[0, 0], [1, 0], [0, 1]].map { Realignment(lambdas: $0) }, engine: engine)
    #expect(models[0] == models[2], "the second aligned model is the reference again")
    let blend = try bundle.logits(tokens, [Realignment(lambdas: [0.75, -0.5])], engine: engine)[0]
    let expected = zip(models[0], models[1]).map { zip($0, $1).map { 0.25 * $0 + 0.75 * $1 } }
    #expect(meanKL(expected, blend) <= halfPrecisionKL)
  }
}
