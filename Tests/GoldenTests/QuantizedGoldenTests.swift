import DeRa
import DeRaCheckpoints
import DeRaConversion
import DeRaKernels
import DeRaTensorCore
import Testing

/// Logits of transformers on a bundle's dequantised weights; made by Tests/Fixtures/goldens/generate_quantized.py.
private struct QuantizedGolden {
  let exact: Golden
  /// Mean KL from `exact` to the same with the runtime's activation rounding simulated.
  let activationKL: Double
  private let file: String

  init(_ name: String, _ bits: ConversionBits) throws {
    let fileName = "golden-int\(bits.rawValue).safetensors"
    exact = try Golden(name, file: fileName)
    file = Golden.folder + name + "/" + fileName
    let values = try Self.read("activation_kl", in: file)
    activationKL = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
  }

  /// `[positions][vocabulary]`, the logits behind `activationKL`.
  func simulated() throws -> [[Float]] {
    let values = try Self.read("simulated", in: file)
    let vocabulary = values.count / exact.tokens.count
    return exact.tokens.indices.map { Array(values[$0 * vocabulary..<($0 + 1) * vocabulary]) }
  }

  private static func read(_ tensor: String, in path: String) throws -> [Float] {
    let stored = try Safetensors(path: path)
    return try stored.tensor(try #require(stored[tensor])).readAll()
  }
}

@Suite struct QuantizedGoldenTests {
  /// The runtime's allowance over the oracle's loss by the same rounding: sums in another order make other
  /// ties, and tiny random networks amplify them.
  private static let slack = 1.5

  @Test(
    "quantised weights lose no more than activation rounding", arguments: Golden.cases,
    [ConversionBits.eight, .six, .four])
  func staysNearTheDequantisedWeights(name: String, bits: ConversionBits) async throws {
    let golden = try QuantizedGolden(name, bits)
    let bundle = try await Golden.bundle(name, bits: bits)
    for instructionSet in InstructionSet.supported {
      let logits = try bundle.logits(
        golden.exact.tokens, [Realignment(lambdas: [])], engine: Engine(instructionSet))[0]
      #expect(meanKL(golden.exact.logits, logits) <= Self.slack * golden.activationKL)
    }
  }

  @Test("so do blends of two quantised models", arguments: Golden.pairs, [ConversionBits.eight, .six, .four])
  func blendsStayNear(name: String, bits: ConversionBits) async throws {
    for loss in try await losses(name, bits, .int8) {
      #expect(loss.actual <= Self.slack * loss.simulated, "λ = \(loss.lambda)")
    }
  }

  @Test(
    "activations in 16 bits lose a fifteenth of it; keys and values in f16 are left", arguments: Golden.pairs,
    [ConversionBits.eight, .six, .four])
  func fineActivations(name: String, bits: ConversionBits) async throws {
    for loss in try await losses(name, bits, .int16) {
      #expect(15 * loss.actual <= loss.simulated, "λ = \(loss.lambda)")
    }
  }

  @Test("an engine that names no coding takes the bundle's", arguments: Golden.pairs, Blend.allCases)
  func codingOfTheBundle(name: String, blend: Blend) async throws {
    let tokens = try Golden(name).tokens
    func logits(_ stored: ActivationCoding, _ asked: ActivationCoding?) async throws -> [Float] {
      let bundle = try await Golden.bundle(name, aligned: [name + "-aligned"], bits: .eight, activations: stored)
      let session = try DecodingSession(
        bundle: bundle, contextLength: tokens.count, engine: Engine(InstructionSet.best, activations: asked),
        blend: blend)
      try session.append(tokens)
      return Array(try session.logits(Realignment(lambdas: [0.5])))
    }
    let fine = try await logits(.int16, nil)
    #expect(try await logits(.int8, .int16) == fine)
    let coarse = try await logits(.int8, nil)
    #expect(try await logits(.int16, .int8) == coarse)
    #expect(fine != coarse)
  }

  /// The mean KL divergence from the exact blend of a pair at several strengths: of the runtime with `activations`, and
  /// of the oracle with activations rounded to int8.
  private func losses(
    _ name: String, _ bits: ConversionBits, _ activations: ActivationCoding
  ) async throws -> [(lambda: Float, actual: Double, simulated: Double)] {
    let reference = try QuantizedGolden(name, bits)
    let aligned = try QuantizedGolden(name + "-aligned", bits)
    let bundle = try await Golden.bundle(name, aligned: [name + "-aligned"], bits: bits)
    let lambdas: [Float] = [-1, 0, 0.5, 1, 2, 5]
    let logits = try bundle.logits(
      reference.exact.tokens, lambdas.map { Realignment(lambdas: [$0]) },
      engine: Engine(InstructionSet.best, activations: activations))
    let simulated = (try reference.simulated(), try aligned.simulated())
    return zip(lambdas, logits).map { lambda, actual in
      let exact = blend(reference.exact.logits, aligned.exact.logits, lambda)
      return (lambda, meanKL(exact, actual), meanKL(exact, blend(simulated.0, simulated.1, lambda)))
    }
  }

  private func blend(_ reference: [[Float]], _ aligned: [[Float]], _ lambda: Float) -> [[Float]] {
    zip(reference, aligned).map { zip($0, $1).map { (1 - lambda) * $0 + lambda * $1 } }
  }
}
