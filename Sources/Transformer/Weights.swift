import Kernels
import ModelSpec
import TensorCore

/// One layer of one model: views into the mapped bundle. Matrices are `[rows, columns]`, vectors f32.
///
/// Which of the optional vectors exist follows from the architecture; the decoder looks at the vectors alone, so it needs
/// no case for a family.
public struct LayerWeights: @unchecked Sendable {
  /// A layer's matrices, in order of use.
  public struct Matrices: @unchecked Sendable {
    /// `[queryWidth, hiddenSize]`
    public var query: PackedMatrix
    /// `[kvWidth, hiddenSize]`
    public var key: PackedMatrix
    /// `[kvWidth, hiddenSize]`
    public var value: PackedMatrix
    /// `[hiddenSize, queryWidth]`
    public var attentionOutput: PackedMatrix
    /// `[feedForwardSize, hiddenSize]`
    public var gate: PackedMatrix
    /// `[feedForwardSize, hiddenSize]`
    public var up: PackedMatrix
    /// `[hiddenSize, feedForwardSize]`
    public var down: PackedMatrix
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
  ///   - matrix: the matrix of that name; every one of `Matrices` is asked for.
  ///   - vector: the vector of that name, or nil where the architecture has none.
  public init(
    matrix: (String) throws -> PackedMatrix, vector: (String) throws -> Vector?
  ) rethrows {
    matrices = Matrices(
      query: try matrix("attn_q.weight"), key: try matrix("attn_k.weight"), value: try matrix("attn_v.weight"),
      attentionOutput: try matrix("attn_output.weight"), gate: try matrix("ffn_gate.weight"),
      up: try matrix("ffn_up.weight"), down: try matrix("ffn_down.weight"))
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
  public var embedding: PackedMatrix
  /// `[vocabularySize, hiddenSize]`; the embedding itself where tied.
  public var output: PackedMatrix
  /// `[hiddenSize]`
  public var outputNorm: UnsafePointer<Float>
  public var layers: [LayerWeights]

  public init(
    embedding: PackedMatrix, output: PackedMatrix, outputNorm: UnsafePointer<Float>, layers: [LayerWeights]
  ) {
    self.embedding = embedding
    self.output = output
    self.outputNorm = outputNorm
    self.layers = layers
  }
}
