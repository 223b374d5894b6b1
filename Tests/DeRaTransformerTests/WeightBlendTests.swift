import DeRaKernels
import DeRaModelSpec
import DeRaTransformer
import Testing

/// Blends of weights against models whose weights were blended beforehand.
@Suite struct WeightBlendTests {
  private let tokens: [Int32] = [3, 17, 40, 8, 25]
  private let configuration = TinyDecoder.configuration

  /// The shape of a matrix and its values, of every matrix of a model.
  private typealias Values = [[Float]]

  /// How an aligned model stores what it changes.
  enum Storage: CaseIterable { case delta, lowRank, own }

  private func shapes() -> [(rows: Int, columns: Int)] {
    let width = configuration.hiddenSize
    let layer = [
      (configuration.queryWidth, width), (configuration.kvWidth, width), (configuration.kvWidth, width),
      (width, configuration.queryWidth), (configuration.feedForwardSize, width), (configuration.feedForwardSize, width),
      (width, configuration.feedForwardSize),
    ]
    return [(configuration.vocabularySize, width), (configuration.vocabularySize, width)]
      + (0..<configuration.layers).flatMap { _ in layer }
  }

  /// f16 matrices of these values: embedding, output, then layer by layer.
  private func model(_ values: Values, norms: [Float], changes: [Linear.Changes]? = nil) throws -> ModelWeights {
    let linears = try zip(shapes(), values).enumerated().map { index, pair in
      Linear(
        matrix: try TinyDecoder.half(pair.1, rows: pair.0.rows, columns: pair.0.columns),
        changes: changes?[index] ?? Linear.Changes(start: nil, count: 0))
    }
    return assemble(linears, norms: norms)
  }

  private func assemble(_ linears: [Linear], norms: [Float]) -> ModelWeights {
    let norm = UnsafePointer(TinyDecoder.allocate(norms))
    let kinds = ModelTensor.allCases.filter { $0.input != nil }
    let layers = (0..<configuration.layers).map { layer in
      LayerWeights(
        linear: { linears[2 + 7 * layer + kinds.firstIndex(of: $0)!] },
        vector: { [.attentionNorm, .feedForwardNorm].contains($0) ? norm : nil })
    }
    return ModelWeights(embedding: linears[0], output: linears[1], outputNorm: norm, layers: layers)
  }

  /// Random values that f16 holds.
  private func values(seed: UInt64, scale: Float) -> Values {
    var tiny = TinyDecoder(seed: seed)
    return shapes().map { tiny.values($0.rows * $0.columns, scale: scale).map { Float(Float16($0)) } }
  }

  private func product(_ b: [Float], _ a: [Float], rank: Int, columns: Int) -> [Float] {
    (0..<b.count / rank * columns).map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      return (0..<rank).reduce(0) { $0 + b[row * rank + $1] * a[$1 * columns + column] }
    }
  }

  /// A reference, a model aligned from it, and what that adds to every matrix.
  private func pair(
    _ storage: Storage, seed: UInt64, from reference: ModelWeights, base: Values, norms: [Float]
  ) throws -> (model: ModelWeights, difference: Values) {
    let whole = values(seed: seed, scale: 0.04)
    switch storage {
    case .own:
      let own = zip(base, whole).map { zip($0, $1).map { Float(Float16($0 + $1)) } }
      return (try model(own, norms: norms), zip(own, base).map { zip($0, $1).map { $0 - $1 } })
    case .delta:
      let changes = try zip(shapes(), whole).map {
        TinyDecoder.change(try TinyDecoder.half($1, rows: $0.rows, columns: $0.columns))
      }
      return (changed(reference, changes, norms), whole)
    case .lowRank:
      var difference: Values = []
      var changes: [Linear.Changes] = []
      var tiny = TinyDecoder(seed: seed)
      for shape in shapes() {
        let a = tiny.values(3 * shape.columns, scale: 0.2).map { Float(Float16($0)) }
        let b = tiny.values(shape.rows * 3, scale: 0.1).map { Float(Float16($0)) }
        changes.append(
          TinyDecoder.change(
            try TinyDecoder.half(b, rows: shape.rows, columns: 3),
            a: try TinyDecoder.half(a, rows: 3, columns: shape.columns)))
        difference.append(product(b, a, rank: 3, columns: shape.columns))
      }
      return (changed(reference, changes, norms), difference)
    }
  }

  /// The reference's own matrices with changes.
  private func changed(_ reference: ModelWeights, _ changes: [Linear.Changes], _ norms: [Float]) -> ModelWeights {
    let matrices =
      [reference.embedding, reference.output]
      + reference.layers.flatMap { layer in TinyDecoder.matrices.map { layer.matrices[keyPath: $0] } }
    return assemble(zip(matrices, changes).map { Linear(matrix: $0.matrix, changes: $1) }, norms: norms)
  }

  private func decoder(_ models: [ModelWeights]) -> Decoder { Decoder(configuration: configuration, models: models) }

  /// Hidden states of every position, and the last one's logits.
  private func results(
    _ model: ModelWeights, threads: Int = 1, on set: InstructionSet = .best
  ) throws -> [Float] {
    let decoder = decoder([model])
    let hidden = try decoder.hidden(tokens, models: [0], threads: threads, on: set)[0]
    let engine = try Engine(instructionSet: set, pool: ThreadPool(threads: threads))
    let state = try DecoderState(decoder, engine: engine, maxColumns: 1, maxOutputs: 1, context: 1)
    return hidden.withUnsafeBufferPointer { values in
      let last = values.baseAddress! + values.count - configuration.hiddenSize
      let terms = [BlendTerm(output: 0, model: 0, hidden: last, weight: 1)]
      let logits = terms.withUnsafeBufferPointer { decoder.logits($0, outputs: 1, in: state) }
      return hidden + UnsafeBufferPointer(start: logits.column(0), count: configuration.vocabularySize)
    }
  }

  private func distance(_ left: [Float], _ right: [Float]) -> Float {
    zip(left, right).map { abs($0 - $1) }.max() ?? .infinity
  }

  @Test(
    "is the model of blended weights, for several models and λ", arguments: Storage.allCases,
    [[0.5, 0], [0.25, 0.5], [-1, 0.75], [2, -0.5], [0.25, 0.75]] as [[Float]])
  func equalsBlendedWeights(storage: Storage, lambdas: [Float]) throws {
    let base = values(seed: 1, scale: 0.2)
    let (norms, others) = ([Float](repeating: 1, count: 64), [Float](repeating: 1.5, count: 64))
    let reference = try model(base, norms: norms)
    let first = try pair(storage, seed: 2, from: reference, base: base, norms: others)
    let second = try pair(.delta, seed: 3, from: reference, base: base, norms: norms)
    let blend = ModelWeights(
      blending: [reference, first.model, second.model], lambdas: lambdas, configuration)
    let blended = base.indices.map { matrix in
      base[matrix].indices.map { index in
        base[matrix][index] + lambdas[0] * first.difference[matrix][index]
          + lambdas[1] * second.difference[matrix][index]
      }
    }
    let expected = try results(try model(blended, norms: norms.map { $0 + lambdas[0] * 0.5 }))
    let found = try results(blend)
    // What is left is the rounding of the blended weights to f16 and of sums; the blend itself moves far more.
    #expect(distance(found, expected) < 0.02)
    #expect(distance(found, try results(reference)) > 0.2)
  }

  @Test("λ = 0 is the reference and λ = 1 the aligned model, to the bit", arguments: Storage.allCases)
  func endsAreExact(storage: Storage) throws {
    let base = values(seed: 4, scale: 0.2)
    let norms = TinyDecoder.configuration.hiddenSize
    let reference = try model(base, norms: [Float](repeating: 1, count: norms))
    let aligned = try pair(
      storage, seed: 5, from: reference, base: base, norms: [Float](repeating: 1.1, count: norms)
    ).model
    func blend(_ lambda: Float) -> ModelWeights {
      ModelWeights(blending: [reference, aligned], lambdas: [lambda], configuration)
    }
    #expect(try results(blend(0)) == results(reference))
    #expect(try results(blend(1)) == results(aligned))
    #expect(try results(blend(0.5)) != results(reference))
  }

  @Test("threads, instruction sets and who runs beside it change no bit", arguments: Storage.allCases)
  func isReproducible(storage: Storage) throws {
    var tiny = TinyDecoder(seed: 6)
    let reference = try tiny.model()
    let other = try tiny.model()
    // int8 matrices, changed by f16 ones or replaced by int8 ones.
    let base = values(seed: 7, scale: 0.2)
    let norms = [Float](repeating: 1, count: 64)
    let aligned =
      storage == .own ? other : try pair(storage, seed: 8, from: reference, base: base, norms: norms).model
    let blend = ModelWeights(blending: [reference, aligned], lambdas: [0.75], configuration)
    let expected = try results(blend, on: .scalar)
    for set in InstructionSet.supported {
      for threads in 1...3 { #expect(try results(blend, threads: threads, on: set) == expected, "\(set) \(threads)") }
    }
    let third = ModelWeights(blending: [reference, aligned], lambdas: [-0.5], configuration)
    let together = try decoder([third, blend, reference]).hidden(
      tokens, models: [0, 1, 2], threads: 2, sequences: [0, 1, 2])
    let alone = try decoder([blend]).hidden(tokens, models: [0])[0]
    // Comparing first keeps a failure's message short.
    let isSame = try (
      blend: together[1] == alone, reference: together[2] == decoder([reference]).hidden(tokens, models: [0])[0]
    )
    #expect(isSame.blend && isSame.reference)
  }
}
