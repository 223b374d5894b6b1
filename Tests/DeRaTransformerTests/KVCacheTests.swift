import DeRaKernels
import DeRaModelSpec
import DeRaTransformer
import Testing

/// The content of a cache, and what is left of it after tokens are taken back.
@Suite struct KVCacheTests {
  /// Two layers, the second with a window of 8.
  private func configuration(window: Int? = 8) -> ModelConfiguration {
    var configuration = ModelConfiguration(
      architecture: .gemma3, vocabularySize: 10, hiddenSize: 16, layers: 2, heads: 4, kvHeads: 2, headDim: 24,
      feedForwardSize: 16, contextLength: 1000, normEpsilon: 1e-6, tiesEmbeddings: true,
      rope: RotaryEmbedding(theta: 10000, inverseFrequencies: Array(repeating: 1, count: 12)))
    configuration.slidingWindow = window
    configuration.layerSlides = [false, window != nil]
    return configuration
  }

  @Test("bytes are those of the codec") func byteCounts() throws {
    let full = configuration(window: nil)
    #expect(try KVCache(full, capacity: 64).byteCount == 2 * 2 * 64 * 48 * 2)
    #expect(try KVCache(full, capacity: 64, codec: .int8).byteCount == 2 * 2 * 64 * (48 + 2 * 4))
  }

  @Test(
    "a sliding layer has room for its window and what a pass adds", arguments: [(1, 16), (8, 16), (20, 28), (99, 64)])
  func slots(longestRun: Int, slots: Int) throws {
    let cache = try KVCache(configuration(), capacity: 64, longestRun: longestRun)
    #expect(cache.view[0].keys.slots == 64)
    #expect(cache.view[1].keys.slots == slots)
    #expect(cache.view[1].values.slots == slots)
    #expect(cache.byteCount == 2 * 48 * 2 * (64 + slots))
  }

  @Test("taking back less than is held keeps the rest, more forgets all")
  func rewinds() throws {
    let cache = try KVCache(configuration(), capacity: 64, longestRun: 4)
    cache.length = 40
    // 16 slots hold 24 ..< 40; the token at 32 would see 25 and later, that at 30 also 23.
    cache.truncate(to: 32)
    #expect(cache.length == 32)
    cache.length += 2
    cache.truncate(to: 31)
    #expect(cache.length == 31)
    cache.truncate(to: 30)
    #expect(cache.length == 0)
    cache.length = 12
    cache.truncate(to: 1)
    #expect(cache.length == 1, "nothing was overwritten after the new start")
  }

  @Test("without a window any number of tokens may be taken back") func fullRewinds() throws {
    let cache = try KVCache(configuration(window: nil), capacity: 64, longestRun: 4)
    cache.length = 64
    cache.truncate(to: 3)
    #expect(cache.length == 3)
    cache.truncate(to: -1)
    #expect(cache.length == 0)
  }

  @Test("a pass may add what fits") func passes() throws {
    let cache = try KVCache(configuration(), capacity: 64, longestRun: 4)
    #expect(cache.takes(4) && !cache.takes(5))
    cache.length = 62
    #expect(cache.takes(2) && !cache.takes(3))
  }
}
