import DeRaKernels
import DeRaTransformer
import Testing

/// Models that share matrices and what they change of them.
@Suite struct SharedWeightsTests {
  private let tokens: [Int32] = [3, 17, 40, 8, 25]

  private func decoder(_ models: [ModelWeights]) -> Decoder {
    Decoder(configuration: TinyDecoder.configuration, models: models)
  }

  private func distance(_ left: [Float], _ right: [Float]) -> Float {
    zip(left, right).map { abs($0 - $1) }.max() ?? 0
  }

  /// Rank-4 changes of every matrix of a layer: kept as factors, or worked into matrices of floats.
  private func aligned(_ reference: ModelWeights, scale: Float) throws -> (lowRank: ModelWeights, delta: ModelWeights) {
    var tiny = TinyDecoder(seed: 5)
    var (lowRank, delta) = (reference, reference)
    for layer in reference.layers.indices {
      for path in TinyDecoder.matrices {
        let layout = reference.layers[layer].matrices[keyPath: path].matrix.layout
        let a = tiny.values(4 * layout.columns, scale: 0.5)
        let b = tiny.values(layout.rows * 4, scale: scale)
        var product = [Float](repeating: 0, count: layout.rows * layout.columns)
        for row in 0..<layout.rows {
          for column in 0..<layout.columns {
            for rank in 0..<4 {
              product[row * layout.columns + column] +=
                Float(Float16(b[row * 4 + rank])) * Float(Float16(a[rank * layout.columns + column]))
            }
          }
        }
        lowRank.layers[layer].matrices[keyPath: path].changes = TinyDecoder.change(
          try TinyDecoder.half(b, rows: layout.rows, columns: 4),
          a: try TinyDecoder.half(a, rows: 4, columns: layout.columns))
        delta.layers[layer].matrices[keyPath: path].changes = TinyDecoder.change(
          try TinyDecoder.half(product, rows: layout.rows, columns: layout.columns))
      }
    }
    return (lowRank, delta)
  }

  @Test("a model that shares everything is the reference to the bit", arguments: [1, 2, 3])
  func sharedEqualsReference(threads: Int) throws {
    var tiny = TinyDecoder(seed: 1)
    let model = try tiny.model()
    let both = try decoder([model, model]).hidden(tokens, models: [0, 1], threads: threads)
    #expect(both[0] == both[1])
    #expect(try decoder([model]).hidden(tokens, models: [0])[0] == both[0])
  }

  @Test("what models share changes nothing for the reference, and a model alone codes its own activations")
  func referenceIsUntouched() throws {
    var tiny = TinyDecoder(seed: 2)
    let reference = try tiny.model()
    let pair = decoder([reference, try aligned(reference, scale: 0.02).lowRank])
    let alone = try pair.hidden(tokens, models: [0])[0]
    #expect(try pair.hidden(tokens, models: [0, 1])[0] == alone)
    let second = try pair.hidden(tokens, models: [1])[0]
    #expect(second != alone)
    #expect(distance(try pair.hidden(tokens, models: [0, 1])[1], second) < 0.1)
  }

  @Test("factors and their product give the same", arguments: [1, 2])
  func lowRankEqualsDelta(threads: Int) throws {
    var tiny = TinyDecoder(seed: 3)
    let reference = try tiny.model()
    let (lowRank, delta) = try aligned(reference, scale: 0.1)
    let factors = try decoder([reference, lowRank]).hidden(tokens, models: [0, 1], threads: threads)[1]
    let product = try decoder([reference, delta]).hidden(tokens, models: [0, 1], threads: threads)[1]
    let without = try decoder([reference, reference]).hidden(tokens, models: [0, 1])[1]
    // Equal up to f16 rounding of the product and what 8-bit activations make of it; the change itself is much larger.
    #expect(distance(factors, product) * 20 < distance(factors, without))
  }

  @Test("three models, of which one has a matrix of its own between two that share")
  func mixedSharing() throws {
    var tiny = TinyDecoder(seed: 4)
    let reference = try tiny.model()
    var other = reference
    other.layers[0].matrices.query = Linear(matrix: try tiny.model().layers[0].matrices.query.matrix)
    let (lowRank, delta) = try aligned(reference, scale: 0.1)
    let trio = decoder([reference, other, lowRank, delta])
    let all = try trio.hidden(tokens, models: [0, 1, 2, 3], threads: 2)
    #expect(all[0] == (try trio.hidden(tokens, models: [0])[0]))
    for model in 1...3 {
      let alone = try trio.hidden(tokens, models: [model])[0]
      #expect(distance(all[model], alone) < 0.25 && distance(all[model], all[0]) > 0.25)
    }
  }

  @Test("how a model is coded depends on the reference only, not on what runs between them", arguments: [1, 2, 3])
  func companyOfOthers(threads: Int) throws {
    var tiny = TinyDecoder(seed: 6)
    let reference = try tiny.model()
    let (lowRank, delta) = try aligned(reference, scale: 0.1)
    var own = reference
    own.layers[0].matrices.query = Linear(matrix: try tiny.model().layers[0].matrices.query.matrix)
    own.layers[1].matrices.down = Linear(matrix: try tiny.model().layers[1].matrices.down.matrix)
    let several = decoder([reference, lowRank, try tiny.model(), delta, own, lowRank, own])
    let together = try several.hidden(tokens, models: Array(0...6), threads: threads)
    for model in 1...6 {
      let pair = try several.hidden(tokens, models: [0, model])
      #expect(together[model] == pair[1], "model \(model)")
      #expect(together[0] == pair[0])
    }
  }
}
