/// One tensor a model has: the table the checkpoint readers, the converter and the loader share.
package struct TensorSpec: Sendable, Equatable {
  /// The use of a tensor; error statistics and bit allocation go by it.
  package enum Role: String, Sendable, CaseIterable {
    case embedding, output, query, key, value, attentionOutput, gate, up, down, norm, bias
    /// Stored packed in tiles; the others stay f32 vectors.
    package var isMatrix: Bool { self != .norm && self != .bias }
  }

  /// Our name, which is GGUF's: `blk.3.attn_q.weight`.
  package let name: String
  /// Hugging Face's: `model.layers.3.self_attn.q_proj.weight`.
  package let huggingFaceName: String
  package let role: Role
  /// Output width of a matrix, length of a vector.
  package let rows: Int
  /// Input width of a matrix, 1 for a vector.
  package let columns: Int
}

extension ModelConfiguration {
  /// Every tensor of the model, embedding first, then layer by layer, then what follows the layers.
  package var tensors: [TensorSpec] {
    var list = [
      TensorSpec(
        name: "token_embd.weight", huggingFaceName: "model.embed_tokens.weight", role: .embedding, rows: vocabularySize,
        columns: hiddenSize)
    ]
    for layer in 0..<layers { list += layerTensors(layer) }
    list.append(
      TensorSpec(
        name: "output_norm.weight", huggingFaceName: "model.norm.weight", role: .norm, rows: hiddenSize, columns: 1))
    if !tiesEmbeddings {
      list.append(
        TensorSpec(
          name: "output.weight", huggingFaceName: "lm_head.weight", role: .output, rows: vocabularySize,
          columns: hiddenSize))
    }
    return list
  }

  private func layerTensors(_ layer: Int) -> [TensorSpec] {
    var list: [TensorSpec] = []
    func add(_ name: String, _ huggingFaceName: String, _ role: TensorSpec.Role, _ rows: Int, _ columns: Int = 1) {
      list.append(
        TensorSpec(
          name: "blk.\(layer).\(name)", huggingFaceName: "model.layers.\(layer).\(huggingFaceName)", role: role,
          rows: rows, columns: columns))
    }
    let placement = architecture.normPlacement
    if placement != .post { add("attn_norm.weight", "input_layernorm.weight", .norm, hiddenSize) }
    add("attn_q.weight", "self_attn.q_proj.weight", .query, queryWidth, hiddenSize)
    add("attn_k.weight", "self_attn.k_proj.weight", .key, kvWidth, hiddenSize)
    add("attn_v.weight", "self_attn.v_proj.weight", .value, kvWidth, hiddenSize)
    if architecture.hasQueryKeyValueBias {
      add("attn_q.bias", "self_attn.q_proj.bias", .bias, queryWidth)
      add("attn_k.bias", "self_attn.k_proj.bias", .bias, kvWidth)
      add("attn_v.bias", "self_attn.v_proj.bias", .bias, kvWidth)
    }
    switch architecture.queryKeyNorm {
    case .none: break
    case .perHead:
      add("attn_q_norm.weight", "self_attn.q_norm.weight", .norm, headDim)
      add("attn_k_norm.weight", "self_attn.k_norm.weight", .norm, headDim)
    case .fullProjection:
      add("attn_q_norm.weight", "self_attn.q_norm.weight", .norm, queryWidth)
      add("attn_k_norm.weight", "self_attn.k_norm.weight", .norm, kvWidth)
    }
    add("attn_output.weight", "self_attn.o_proj.weight", .attentionOutput, hiddenSize, queryWidth)
    if placement != .pre {
      add("post_attention_norm.weight", "post_attention_layernorm.weight", .norm, hiddenSize)
    }
    switch placement {
    case .pre: add("ffn_norm.weight", "post_attention_layernorm.weight", .norm, hiddenSize)
    case .sandwich: add("ffn_norm.weight", "pre_feedforward_layernorm.weight", .norm, hiddenSize)
    case .post: break
    }
    add("ffn_gate.weight", "mlp.gate_proj.weight", .gate, feedForwardSize, hiddenSize)
    add("ffn_up.weight", "mlp.up_proj.weight", .up, feedForwardSize, hiddenSize)
    add("ffn_down.weight", "mlp.down_proj.weight", .down, hiddenSize, feedForwardSize)
    if placement != .pre {
      add("post_ffw_norm.weight", "post_feedforward_layernorm.weight", .norm, hiddenSize)
    }
    return list
  }
}
