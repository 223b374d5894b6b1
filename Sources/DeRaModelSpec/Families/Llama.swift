extension Architecture {
  /// Llama 2 and 3.x, TinyLlama, SmolLM2, and Mistral and Zephyr, which GGUF files under the same name.
  package static let llama = Architecture(
    name: "llama",
    huggingFaceClasses: [
      HuggingFaceClass(
        "LlamaForCausalLM",
        fields: [
          "vocab_size": 32000, "intermediate_size": 11008, "max_position_embeddings": 2048, "eos_token_id": 2,
        ]),
      HuggingFaceClass(
        "MistralForCausalLM", sliding: .everyLayer,
        fields: [
          "vocab_size": 32000, "intermediate_size": 14336, "num_key_value_heads": 8,
          "max_position_embeddings": 131072, "sliding_window": 4096, "eos_token_id": 2,
        ]),
    ],
    gguf: GGUFFacts(interleavesQueryKeyRows: true, slidingWindow: GGUFFacts.SlidingWindow()))
}
