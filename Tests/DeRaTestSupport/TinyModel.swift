import DeRaModelSpec

extension ModelConfiguration {
  /// A llama of two layers that tests can afford. By default no width is a multiple of 16 or 32, so that every tile and block
  /// has a tail.
  package static func tiny(
    vocabulary: Int = 40, hidden: Int = 24, headDim: Int = 6, feedForward: Int = 50, context: Int = 128,
    tied: Bool = false
  ) -> ModelConfiguration {
    ModelConfiguration(
      architecture: .llama, vocabularySize: vocabulary, hiddenSize: hidden, layers: 2, heads: 4, kvHeads: 2,
      headDim: headDim, feedForwardSize: feedForward, contextLength: context, normEpsilon: 1e-5, tiesEmbeddings: tied,
      rope: RotaryEmbedding(theta: 10_000, inverseFrequencies: (0..<headDim / 2).map { 1 / Float(1 << $0) }))
  }
}
