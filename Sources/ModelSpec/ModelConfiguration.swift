/// The hyper-parameters of one model, in one convention whatever file they came from.
public struct ModelConfiguration: Sendable, Equatable {
  public var architecture: Architecture
  /// Rows of the embedding table; ids at or above it are refused.
  public var vocabularySize: Int
  public var hiddenSize: Int
  public var layers: Int
  public var heads: Int
  public var kvHeads: Int
  public var headDim: Int
  public var feedForwardSize: Int
  /// Longest sequence in tokens the model was made for.
  public var contextLength: Int
  public var normEpsilon: Float
  /// The output matrix is the embedding table.
  public var tiesEmbeddings: Bool
  /// Multiplies embeddings: 1, or √hiddenSize.
  public var embeddingScale: Float = 1
  /// Multiplies query · key: 1/√headDim unless the checkpoint says otherwise.
  public var attentionScale: Float
  /// Rotary embedding of the full-attention layers.
  public var rope: RotaryEmbedding
  /// Rotary embedding of the sliding-window layers where it differs.
  public var slidingRope: RotaryEmbedding?
  /// Tokens a sliding-window layer sees, itself included.
  public var slidingWindow: Int?
  /// `[layers]`: which layers use the sliding window.
  public var layerSlides: [Bool]

  public init(
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
  public var queryWidth: Int { heads * headDim }
  /// Width of all key (or value) heads together.
  public var kvWidth: Int { kvHeads * headDim }
}

/// Rotary position embedding, scaling already worked in: position `p` turns the pair `(i, i + headDim/2)` of a head by
/// `p · inverseFrequencies[i]`.
public struct RotaryEmbedding: Sendable, Equatable {
  public var theta: Float
  /// `[headDim / 2]`, radians a token.
  public var inverseFrequencies: [Float]
  /// Multiplies sine and cosine (YaRN's attention factor); 1 otherwise.
  public var magnitude: Float

  public init(theta: Float, inverseFrequencies: [Float], magnitude: Float = 1) {
    self.theta = theta
    self.inverseFrequencies = inverseFrequencies
    self.magnitude = magnitude
  }
}
