extension Architecture {
  /// Qwen 1.5, 2 and 2.5.
  package static let qwen2 = Architecture(
    name: "qwen2", hasQueryKeyValueBias: true,
    huggingFaceClasses: [
      HuggingFaceClass("Qwen2ForCausalLM", sliding: .switchedOn, fields: qwenFields)
    ])

  /// Defaults that Qwen 2 and 3 share.
  static let qwenFields: [String: ConfigLiteral] = [
    "vocab_size": 151936, "intermediate_size": 22016, "num_key_value_heads": 32, "max_position_embeddings": 32768,
    "use_sliding_window": false, "sliding_window": 4096, "max_window_layers": 28, "layer_types": nil,
  ]
}
