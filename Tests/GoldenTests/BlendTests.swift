import DeRa
import DeRaCheckpoints
import DeRaConversion
import DeRaKernels
import DeRaTestSupport
import Testing

/// Section 3 of arXiv 2402.02992: softmax of the blended logits is p_ref · Π (pᵢ / p_ref)^λᵢ, normalised, at every token.
@Suite struct BlendTests {
  private static let pair = Fixtures.family + "/"
  private static let text: [Int32] = [0, 312, 45, 1100, 7, 260, 990, 3, 481, 52, 1407, 33]
  private static let lambdas: [[Float]] = [
    [-2, 0], [-0.5, 0], [0.25, 0], [0.5, 0], [0.9, 0], [1.5, 0], [3, 0], [8, 0], [0.5, 0.5], [1, -1], [2, 3],
  ]

  /// - Parameter tolerance: of the logarithm of a probability, for a unit of λ, 1.4 times what was measured. Where λ is
  /// a power
  ///   of two it is 1e-6; otherwise the output matrix's input is rounded after it is scaled by λ.
  @Test(
    "blends of the embedded family are geometric mixtures",
    arguments: [(ConversionBits.sixteen, 2e-5), (.eight, 5e-5)])
  func blendsAreGeometricMixtures(bits: ConversionBits, tolerance: Double) async throws {
    let directory = try TemporaryDirectory()
    let models = try ["reference", "brief", "happy"].map {
      NamedCheckpoint(name: $0, checkpoint: try Checkpoint.open(path: Self.pair + $0))
    }
    let converter = try Converter(
      reference: models[0], aligned: Array(models[1...]), options: ConversionOptions(bits: bits))
    _ = try await converter.convert(to: directory.file("bundle.dera")) { _ in }
    let bundle = try ModelBundle(path: directory.file("bundle.dera"))
    let engine = try Engine(InstructionSet.best)
    func distributions(_ lambdas: [Float]) throws -> [[Double]] {
      try bundle.decodedLogits(Self.text, Realignment(lambdas: lambdas), engine: engine).map(logSoftmax)
    }
    let reference = try distributions([0, 0])
    let aligned = [try distributions([1, 0]), try distributions([0, 1])]
    for lambdas in Self.lambdas {
      let blend = try distributions(lambdas)
      var worst = 0.0
      for position in Self.text.indices {
        let mixture = reference[position].indices.map { token in
          zip(lambdas, aligned).reduce(reference[position][token]) { sum, term in
            sum + Double(term.0) * (term.1[position][token] - reference[position][token])
          }
        }
        let total = Double.log(mixture.reduce(0) { $0 + exponential($1) })
        for (actual, expected) in zip(blend[position], mixture) {
          worst = max(worst, (actual - expected + total).magnitude)
        }
      }
      let size = lambdas.reduce(1) { $0 + Double($1.magnitude) }
      #expect(worst < tolerance * size, "λ = \(lambdas)")
    }
  }
}
