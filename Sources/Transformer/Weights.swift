import Kernels
import ModelSpec
import TensorCore

/// A linear layer of one model: y = matrix · x, plus what an aligned model adds to a matrix that it shares.
public struct Linear: @unchecked Sendable {
  /// B · A with A `[rank, columns]` and B `[rows, rank]`: a LoRA adapter, scale included.
  public struct LowRank: @unchecked Sendable {
    public var a: PackedMatrix
    public var b: PackedMatrix

    public init(a: PackedMatrix, b: PackedMatrix) {
      self.a = a
      self.b = b
    }
  }

  /// `[rows, columns]`; the reference's own bytes where they are shared.
  public var matrix: PackedMatrix
  /// Of the same shape; its product is added.
  public var delta: PackedMatrix?
  public var lowRank: LowRank?

  public init(matrix: PackedMatrix, delta: PackedMatrix? = nil, lowRank: LowRank? = nil) {
    self.matrix = matrix
    self.delta = delta
    self.lowRank = lowRank
  }

  var rank: Int { lowRank?.b.layout.columns ?? 0 }
}

/// One layer of one model: views into the mapped bundle. Matrices are `[rows, columns]`, vectors f32.
///
/// Which of the optional vectors exist follows from the architecture; the decoder looks at the vectors alone, so it needs
/// no case for a family.
public struct LayerWeights: @unchecked Sendable {
  /// A layer's matrices, in order of use.
  public struct Matrices: Sendable {
    /// `[queryWidth, hiddenSize]`
    public var query: Linear
    /// `[kvWidth, hiddenSize]`
    public var key: Linear
    /// `[kvWidth, hiddenSize]`
    public var value: Linear
    /// `[hiddenSize, queryWidth]`
    public var attentionOutput: Linear
    /// `[feedForwardSize, hiddenSize]`
    public var gate: Linear
    /// `[feedForwardSize, hiddenSize]`
    public var up: Linear
    /// `[hiddenSize, feedForwardSize]`
    public var down: Linear

    var all: [Linear] { [query, key, value, attentionOutput, gate, up, down] }
  }

  public typealias Vector = UnsafePointer<Float>

  public var matrices: Matrices
  /// `[hiddenSize]` each: before and after attention, before and after the feed-forward.
  public var attentionNorm: Vector?
  public var postAttentionNorm: Vector?
  public var feedForwardNorm: Vector?
  public var postFeedForwardNorm: Vector?
  /// `[headDim]`, or the projection's whole width, as `Architecture.queryKeyNorm` says.
  public var queryNorm: Vector?
  public var keyNorm: Vector?
  /// `[queryWidth]`, `[kvWidth]`, `[kvWidth]`
  public var queryBias: Vector?
  public var keyBias: Vector?
  public var valueBias: Vector?

  /// Collects one layer by tensor name (`attn_q.weight`, without `blk.N.`).
  /// - Parameters:
  ///   - linear: the matrix of that name; every one of `Matrices` is asked for.
  ///   - vector: the vector of that name, or nil where the architecture has none.
  public init(
    linear: (String) throws -> Linear, vector: (String) throws -> Vector?
  ) rethrows {
    matrices = Matrices(
      query: try linear("attn_q.weight"), key: try linear("attn_k.weight"), value: try linear("attn_v.weight"),
      attentionOutput: try linear("attn_output.weight"), gate: try linear("ffn_gate.weight"),
      up: try linear("ffn_up.weight"), down: try linear("ffn_down.weight"))
    attentionNorm = try vector("attn_norm.weight")
    postAttentionNorm = try vector("post_attention_norm.weight")
    feedForwardNorm = try vector("ffn_norm.weight")
    postFeedForwardNorm = try vector("post_ffw_norm.weight")
    queryNorm = try vector("attn_q_norm.weight")
    keyNorm = try vector("attn_k_norm.weight")
    queryBias = try vector("attn_q.bias")
    keyBias = try vector("attn_k.bias")
    valueBias = try vector("attn_v.bias")
  }
}

/// One model: views into the mapped bundle. Models of a bundle that share a tensor point to the same bytes.
public struct ModelWeights: @unchecked Sendable {
  /// `[vocabularySize, hiddenSize]`
  public var embedding: Linear
  /// `[vocabularySize, hiddenSize]`; the embedding itself where tied.
  public var output: Linear
  /// `[hiddenSize]`
  public var outputNorm: UnsafePointer<Float>
  public var layers: [LayerWeights]

  public init(
    embedding: Linear, output: Linear, outputNorm: UnsafePointer<Float>, layers: [LayerWeights]
  ) {
    self.embedding = embedding
    self.output = output
    self.outputNorm = outputNorm
    self.layers = layers
  }
}
