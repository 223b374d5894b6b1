/// A kind of tensor that decoders have: the one inventory of checkpoint readers, converter, calibration and loader.
///
/// Files hold the embedding first, then every layer's tensors in this order, then what follows the layers.
package enum ModelTensor: Sendable, CaseIterable {
  case embedding
  case attentionNorm, query, key, value, queryBias, keyBias, valueBias, queryNorm, keyNorm
  case attentionOutput, postAttentionNorm, feedForwardNorm, gate, up, down, postFeedForwardNorm
  case outputNorm, output

  private struct Row {
    let name: String
    let huggingFaceName: String
    let role: TensorSpec.Role
    let rows: KeyPath<ModelConfiguration, Int>
    let columns: KeyPath<ModelConfiguration, Int>?
    let input: MatrixInput?

    init(
      _ name: String, _ huggingFaceName: String, _ role: TensorSpec.Role, _ rows: KeyPath<ModelConfiguration, Int>,
      _ columns: KeyPath<ModelConfiguration, Int>? = nil, reads input: MatrixInput? = nil
    ) {
      self.name = name
      self.huggingFaceName = huggingFaceName
      self.role = role
      self.rows = rows
      self.columns = columns
      self.input = input
    }
  }

  private var row: Row {
    switch self {
    case .embedding:
      Row("token_embd.weight", "model.embed_tokens.weight", .embedding, \.vocabularySize, \.hiddenSize)
    case .attentionNorm: Row("attn_norm.weight", "input_layernorm.weight", .norm, \.hiddenSize)
    case .query:
      Row("attn_q.weight", "self_attn.q_proj.weight", .query, \.queryWidth, \.hiddenSize, reads: .attention)
    case .key: Row("attn_k.weight", "self_attn.k_proj.weight", .key, \.kvWidth, \.hiddenSize, reads: .attention)
    case .value: Row("attn_v.weight", "self_attn.v_proj.weight", .value, \.kvWidth, \.hiddenSize, reads: .attention)
    case .queryBias: Row("attn_q.bias", "self_attn.q_proj.bias", .bias, \.queryWidth)
    case .keyBias: Row("attn_k.bias", "self_attn.k_proj.bias", .bias, \.kvWidth)
    case .valueBias: Row("attn_v.bias", "self_attn.v_proj.bias", .bias, \.kvWidth)
    case .queryNorm: Row("attn_q_norm.weight", "self_attn.q_norm.weight", .norm, \.queryNormWidth)
    case .keyNorm: Row("attn_k_norm.weight", "self_attn.k_norm.weight", .norm, \.keyNormWidth)
    case .attentionOutput:
      Row(
        "attn_output.weight", "self_attn.o_proj.weight", .attentionOutput, \.hiddenSize, \.queryWidth,
        reads: .attentionOutput)
    case .postAttentionNorm:
      Row("post_attention_norm.weight", "post_attention_layernorm.weight", .norm, \.hiddenSize)
    case .feedForwardNorm: Row("ffn_norm.weight", "post_attention_layernorm.weight", .norm, \.hiddenSize)
    case .gate:
      Row("ffn_gate.weight", "mlp.gate_proj.weight", .gate, \.feedForwardSize, \.hiddenSize, reads: .feedForward)
    case .up: Row("ffn_up.weight", "mlp.up_proj.weight", .up, \.feedForwardSize, \.hiddenSize, reads: .feedForward)
    case .down: Row("ffn_down.weight", "mlp.down_proj.weight", .down, \.hiddenSize, \.feedForwardSize, reads: .down)
    case .postFeedForwardNorm:
      Row("post_ffw_norm.weight", "post_feedforward_layernorm.weight", .norm, \.hiddenSize)
    case .outputNorm: Row("output_norm.weight", "model.norm.weight", .norm, \.hiddenSize)
    case .output: Row("output.weight", "lm_head.weight", .output, \.vocabularySize, \.hiddenSize)
    }
  }
}

extension ModelTensor {
  /// Our name, which is GGUF's; a layer's tensor without the layer: `attn_q.weight`.
  package var name: String { row.name }

  /// Our name of a layer's tensor: `blk.3.attn_q.weight`.
  package func name(layer: Int) -> String { "blk.\(layer).\(name)" }

  /// Hugging Face's usual name, without the layer; `Architecture.huggingFaceName` knows the exceptions.
  var huggingFaceName: String { row.huggingFaceName }

  package var role: TensorSpec.Role { row.role }

  /// The input of a layer's matrix; nil for vectors, the embedding, and the output matrix, which reads the final norm's result.
  package var input: MatrixInput? { row.input }

  package var isOfLayer: Bool {
    switch self {
    case .embedding, .outputNorm, .output: false
    default: true
    }
  }

  /// Its rows are turned by RoPE, so that they have another order in some families' GGUF files.
  package var isRotated: Bool {
    switch self {
    case .query, .key, .queryBias, .keyBias: true
    default: false
    }
  }

  package func exists(in model: ModelConfiguration) -> Bool {
    switch self {
    case .attentionNorm, .feedForwardNorm: model.architecture.normPlacement != .post
    case .postAttentionNorm, .postFeedForwardNorm: model.architecture.normPlacement != .pre
    case .queryBias, .keyBias, .valueBias: model.architecture.hasQueryKeyValueBias
    case .queryNorm, .keyNorm: model.architecture.queryKeyNorm != .none
    case .output: !model.tiesEmbeddings
    default: true
    }
  }

  /// Output width of a matrix, length of a vector.
  func rows(in model: ModelConfiguration) -> Int { model[keyPath: row.rows] }

  /// Input width of a matrix, 1 for a vector.
  func columns(in model: ModelConfiguration) -> Int { row.columns.map { model[keyPath: $0] } ?? 1 }
}

/// The different inputs that a layer's matrices read, each one vector a token.
package enum MatrixInput: Int, CaseIterable, Sendable {
  /// Read by query, key and value.
  case attention
  /// Concatenated heads.
  case attentionOutput
  /// Read by gate and up.
  case feedForward
  case down
}
