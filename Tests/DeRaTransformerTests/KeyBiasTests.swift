import DeRaKernels
import DeRaTransformer
import Testing

/// Keys with a large bias in int8 caches.
@Suite struct KeyBiasTests {
  private let tokens: [Int32] = [3, 17, 40, 8, 25, 11, 2, 30, 44, 6]

  private func distance(_ left: [Float], _ right: [Float]) -> Float {
    zip(left, right).map { abs($0 - $1) }.max() ?? 0
  }

  /// A model whose keys get a bias a hundred times larger than themselves, as those of Qwen2.5 do.
  private func model(seed: UInt64) throws -> ModelWeights {
    var tiny = TinyDecoder(seed: seed)
    var model = try tiny.model()
    for layer in model.layers.indices {
      let bias = tiny.values(TinyDecoder.configuration.kvWidth, scale: 1).map { $0 * $0 * $0 * 300 }
      model.layers[layer].keyBias = UnsafePointer(TinyDecoder.allocate(bias))
    }
    return model
  }

  @Test("a bias kept out of the cache costs no accuracy")
  func accuracy() throws {
    let decoder = Decoder(configuration: TinyDecoder.configuration, models: [try model(seed: 21)])
    let exact = try decoder.hidden(tokens, models: [0])[0]
    let split = try decoder.hidden(tokens, models: [0], cache: .int8)[0]
    let whole = try decoder.hidden(tokens, models: [0], cache: .int8, splitsKeyBias: false)[0]
    #expect(5 * distance(split, exact) < distance(whole, exact))
  }

  @Test("threads, instruction sets and other models change no bit", arguments: InstructionSet.supported)
  func isReproducible(set: InstructionSet) throws {
    let decoder = Decoder(
      configuration: TinyDecoder.configuration, models: [try model(seed: 22), try model(seed: 23)])
    let expected = try decoder.hidden(tokens, models: [0, 1], on: .scalar, cache: .int8)
    for threads in 1...3 {
      let found = try decoder.hidden(tokens, models: [0, 1], threads: threads, on: set, cache: .int8)
      #expect(found == expected)
    }
    #expect(try decoder.hidden(tokens, models: [0], on: set, cache: .int8)[0] == expected[0])
  }
}
