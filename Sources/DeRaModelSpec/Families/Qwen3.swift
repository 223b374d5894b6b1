extension Architecture {
  package static let qwen3 = Architecture(
    name: "qwen3", queryKeyNorm: .perHead,
    huggingFaceClasses: [
      HuggingFaceClass(
        "Qwen3ForCausalLM", sliding: .switchedOn, fields: qwenFields.merging(["head_dim": 128]) { $1 })
    ])
}
