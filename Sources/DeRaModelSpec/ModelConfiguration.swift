/// The hyper-parameters of one model, in one convention whatever file they came from.
package struct ModelConfiguration: Sendable, Equatable {
  package var architecture: Architecture
  /// Rows of the embedding table; ids at or above it are refused.
  package var vocabularySize: Int
  package var hiddenSize: Int
  package var layers: Int
  package var heads: Int
  package var kvHeads: Int
  package var headDim: Int
  package var feedForwardSize: Int
  /// Longest sequence in tokens the model was made for.
  package var contextLength: Int
  package var normEpsilon: Float
  /// The output matrix is the embedding table.
  package var tiesEmbeddings: Bool
  /// Multiplies embeddings: 1, or √hiddenSize.
  package var embeddingScale: Float = 1
  /// Multiplies query · key: 1/√headDim unless the checkpoint says otherwise.
  package var attentionScale: Float
  /// Rotary embedding of the full-attention layers.
  package var rope: RotaryEmbedding
  /// Rotary embedding of the sliding-window layers where it differs.
  package var slidingRope: RotaryEmbedding?
  /// Tokens a sliding-window layer sees, itself included.
  package var slidingWindow: Int?
  /// `[layers]`: which layers use the sliding window.
  package var layerSlides: [Bool]

  package init(
    architecture: Architecture, vocabularySize: Int, hiddenSize: Int, layers: Int, heads: Int, kvHeads: Int,
    headDim: Int, feedForwardSize: Int, contextLength: Int, normEpsilon: Float, tiesEmbeddings: Bool,
    rope: RotaryEmbedding
  ) {
    self.architecture = architecture
    self.vocabularySize = vocabularySize
    self.hiddenSize = hiddenSize
    self.layers = layers
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDim = headDim
    self.feedForwardSize = feedForwardSize
    self.contextLength = contextLength
    self.normEpsilon = normEpsilon
    self.tiesEmbeddings = tiesEmbeddings
    self.rope = rope
    attentionScale = 1 / Float(headDim).squareRoot()
    layerSlides = Array(repeating: false, count: layers)
  }

  /// Width of all query heads together.
  package var queryWidth: Int { heads * headDim }
  /// Width of all key (or value) heads together.
  package var kvWidth: Int { kvHeads * headDim }
  /// Length of the norm of queries: a head, or the whole projection.
  var queryNormWidth: Int { architecture.queryKeyNorm == .perHead ? headDim : queryWidth }
  /// Length of the norm of keys.
  var keyNormWidth: Int { architecture.queryKeyNorm == .perHead ? headDim : kvWidth }
}

/// Rotary position embedding, scaling already worked in: position `p` turns the pair `(i, i + headDim/2)` of a head by
/// `p · inverseFrequencies[i]`.
package struct RotaryEmbedding: Sendable, Equatable {
  package var theta: Float
  /// `[headDim / 2]`, radians a token.
  package var inverseFrequencies: [Float]
  /// Multiplies sine and cosine (YaRN's attention factor); 1 otherwise.
  package var magnitude: Float

  package init(theta: Float, inverseFrequencies: [Float], magnitude: Float = 1) {
    self.theta = theta
    self.inverseFrequencies = inverseFrequencies
    self.magnitude = magnitude
  }
}
