import DeRaKernels
import DeRaModelSpec
import DeRaTransformer
import Testing

/// Keys whose norm has gains of very different sizes.
@Suite struct KeyBalanceTests {
  private let tokens: [Int32] = [3, 17, 40, 8, 25, 11, 2, 30, 44, 6]

  private static let configuration: ModelConfiguration = {
    var configuration = TinyDecoder.configuration
    configuration.architecture = .qwen3
    return configuration
  }()

  /// - Parameters:
  ///   - key: the gains of the keys' norm, `[headDim]`, and those of the queries'.
  private func decoder(key: [Float], query: [Float], seed: UInt64 = 31) throws -> Decoder {
    var tiny = TinyDecoder(seed: seed)
    var model = try tiny.model()
    for layer in model.layers.indices {
      model.layers[layer].keyNorm = UnsafePointer(TinyDecoder.allocate(key))
      model.layers[layer].queryNorm = UnsafePointer(TinyDecoder.allocate(query))
    }
    return Decoder(configuration: Self.configuration, models: [model])
  }

  /// Both elements of a pair get the same gain, a power of two.
  private let gains: [Float] = {
    let half = (0..<8).map { Float(sign: .plus, exponent: [-3, 0, 5, 1, 0, -1, 2, 0][$0], significand: 1) }
    return half + half
  }()

  @Test("gains may stand in either norm: no bit changes, in f16 and in int8", arguments: CacheCodec.allCases)
  func areMoved(codec: CacheCodec) throws {
    let ones = [Float](repeating: 1, count: gains.count)
    let keys = try decoder(key: gains, query: ones).hidden(tokens, models: [0], cache: codec)
    let queries = try decoder(key: ones, query: gains).hidden(tokens, models: [0], cache: codec)
    #expect(keys == queries)
  }

  @Test("any gains cost an int8 cache little more than equal ones")
  func accuracy() throws {
    func distance(_ decoder: Decoder) throws -> Float {
      let exact = try decoder.hidden(tokens, models: [0])[0]
      let coded = try decoder.hidden(tokens, models: [0], cache: .int8)[0]
      return zip(exact, coded).map { abs($0 - $1) }.max() ?? 0
    }
    let ones = [Float](repeating: 1, count: gains.count)
    var uneven = ones
    (uneven[2], uneven[10], uneven[5]) = (40, 33, 0.01)
    let small = ones.map { $0 / 16 }
    let unevenError = try distance(decoder(key: uneven, query: small))
    let evenError = try distance(decoder(key: ones, query: small))
    #expect(unevenError < 3 * evenError)
    // Gains that are 0 or no numbers stay as they are.
    let zero = try decoder(key: ones.map { _ in 0 }, query: ones).hidden(tokens, models: [0], cache: .int8)[0]
    #expect(zero.allSatisfy { $0.isFinite })
  }
}
