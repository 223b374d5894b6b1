import DeRaModelSpec

/// The keys and defaults of one model class of transformers in `config.json`, as data.
struct HFFamily: Sendable {
  /// Which layers use the sliding window.
  enum Sliding { case never, everyLayer, switchedOn, pattern }

  /// `architectures[0]`.
  let className: String
  var sliding = Sliding.never
  var activationField = "hidden_act"
  /// Separate rotary parameters for sliding and full attention.
  var hasTwoRopes = false
  /// The fields the class knows, with its defaults (transformers 5.23); fields not here are ignored, as it does.
  let defaults: [String: JSON]

  static func named(_ name: String) -> HFFamily? { all.first { $0.className == name } }

  static let all = [llama, mistral, qwen2, qwen3, olmo2, gemma3]

  private static let common: [String: JSON] = [
    "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": .null,
    "head_dim": .null, "hidden_act": "silu", "rms_norm_eps": 1e-6, "tie_word_embeddings": false, "eos_token_id": .null,
  ]

  private static func fields(_ own: [String: JSON]) -> [String: JSON] { common.merging(own) { $1 } }

  private static let llama = HFFamily(
    className: "LlamaForCausalLM",
    defaults: fields([
      "vocab_size": 32000, "intermediate_size": 11008, "max_position_embeddings": 2048, "eos_token_id": 2,
    ]))

  private static let mistral = HFFamily(
    className: "MistralForCausalLM", sliding: .everyLayer,
    defaults: fields([
      "vocab_size": 32000, "intermediate_size": 14336, "num_key_value_heads": 8, "max_position_embeddings": 131072,
      "sliding_window": 4096, "eos_token_id": 2,
    ]))

  private static let qwen2Fields = fields([
    "vocab_size": 151936, "intermediate_size": 22016, "num_key_value_heads": 32, "max_position_embeddings": 32768,
    "use_sliding_window": false, "sliding_window": 4096, "max_window_layers": 28, "layer_types": .null,
  ])

  private static let qwen2 = HFFamily(className: "Qwen2ForCausalLM", sliding: .switchedOn, defaults: qwen2Fields)

  private static let qwen3 = HFFamily(
    className: "Qwen3ForCausalLM", sliding: .switchedOn, defaults: qwen2Fields.merging(["head_dim": 128]) { $1 })

  private static let olmo2 = HFFamily(
    className: "Olmo2ForCausalLM",
    defaults: fields([
      "vocab_size": 50304, "intermediate_size": 11008, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
      "eos_token_id": 50279,
    ]))

  private static let gemma3 = HFFamily(
    className: "Gemma3ForCausalLM", sliding: .pattern, activationField: "hidden_activation", hasTwoRopes: true,
    defaults: fields([
      "vocab_size": 262208, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
      "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "hidden_activation": "gelu_pytorch_tanh",
      "max_position_embeddings": 131072, "tie_word_embeddings": true, "eos_token_id": 1, "query_pre_attn_scalar": 256,
      "sliding_window": 4096, "layer_types": .null, "sliding_window_pattern": 6,
    ]))
}

extension HFFamily {
  /// Fields of `config.json` that change what a model computes in ways we do not, with the values that do not.
  static let restrictedFields: [(field: String, harmless: [JSON])] = [
    ("quantization_config", [.null]),
    ("attention_bias", [.null, false]),
    ("mlp_bias", [.null, false]),
    ("final_logit_softcapping", [.null]),
    ("attn_logit_softcapping", [.null]),
    ("use_bidirectional_attention", [.null, false]),
    ("partial_rotary_factor", [.null, 1, 1.0]),
    ("per_layer_config", [.null]),
    ("num_experts", [.null, 0]),
    ("num_local_experts", [.null, 0]),
    ("is_encoder_decoder", [.null, false]),
  ]

  /// Names in `config.json` of the activations we have.
  static func activationNames(_ activation: Architecture.Activation) -> [String] {
    switch activation {
    case .silu: ["silu", "swish"]
    case .geluTanh: ["gelu_pytorch_tanh"]
    }
  }
}
