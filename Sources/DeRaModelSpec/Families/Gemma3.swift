extension Architecture {
  /// The text models of Gemma 3.
  package static let gemma3 = Architecture(
    name: "gemma3", queryKeyNorm: .perHead, normPlacement: .sandwich, activation: .geluTanh, scalesEmbeddings: true,
    huggingFaceNormsAreOffsetByOne: true,
    huggingFaceTensorNames: [.feedForwardNorm: "pre_feedforward_layernorm.weight"],
    huggingFaceClasses: [
      HuggingFaceClass(
        "Gemma3ForCausalLM", sliding: .pattern, activationField: "hidden_activation", ropeTheta: 1_000_000,
        slidingRopeTheta: 10_000,
        fields: [
          "vocab_size": 262208, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
          "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
          "hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 131072, "tie_word_embeddings": true,
          "eos_token_id": 1, "query_pre_attn_scalar": 256, "sliding_window": 4096, "layer_types": nil,
          "sliding_window_pattern": 6,
        ])
    ],
    gguf: GGUFFacts(
      slidingWindow: GGUFFacts.SlidingWindow(period: 6, isRequired: true, theta: 10_000),
      // The 27B model.
      layersScaledByHiddenSize: [62], ranksMergesByID: true))
}
