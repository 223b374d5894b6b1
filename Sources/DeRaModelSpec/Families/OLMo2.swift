extension Architecture {
  package static let olmo2 = Architecture(
    name: "olmo2", queryKeyNorm: .fullProjection, normPlacement: .post,
    huggingFaceClasses: [
      HuggingFaceClass(
        "Olmo2ForCausalLM",
        fields: [
          "vocab_size": 50304, "intermediate_size": 11008, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
          "eos_token_id": 50279,
        ])
    ])
}
