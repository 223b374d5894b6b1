import DeRaCheckpoints
import DeRaModelSpec
import Testing

/// Metadata to configuration, family by family, and what is refused.
struct GGUFConfigurationTests {
  @Test(arguments: Architecture.all.map(\.name)) func everyFamilyOpens(name: String) throws {
    let architecture = try #require(Architecture.all.first { $0.name == name })
    for isTied in [true, false] {
      let checkpoint = try GGUFTestModel(architecture, layers: 2, isTied: isTied).open()
      #expect(checkpoint.configuration.architecture == architecture)
      #expect(checkpoint.configuration.tiesEmbeddings == isTied)
      #expect(Set(checkpoint.tensors.keys) == Set(checkpoint.configuration.tensors.map(\.name)))
      for spec in checkpoint.configuration.tensors {
        #expect(checkpoint.tensors[spec.name]?.rows == spec.rows)
        #expect(checkpoint.tensors[spec.name]?.columns == spec.columns)
      }
    }
  }

  @Test func keysWithDefaultsMayBeAbsent() throws {
    var model = GGUFTestModel(.llama)
    for key in ["attention.key_length", "attention.value_length", "rope.freq_base", "attention.head_count_kv"] {
      model[key] = nil
    }
    model["attention.head_count"] = .uint32(2)
    model.tensors = model.tensors.map { ($0.name, $0.type, $0.name.contains("attn_q") ? [16, 16] : $0.dimensions) }
    model.tensors = model.tensors.map {
      ($0.name, $0.type, $0.name.contains("attn_output") ? [16, 16] : $0.dimensions)
    }
    let configuration = try model.open().configuration
    #expect(configuration.headDim == 8)
    #expect(configuration.kvHeads == 2)
    #expect(configuration.rope == RotaryEmbedding(theta: 10_000, headDim: 8))
  }

  @Test func gemmaSlidesFiveLayersOfSix() throws {
    var model = GGUFTestModel(.gemma3, layers: 13)
    model["rope.freq_base"] = .float32(1e6)
    model["rope.scaling.type"] = .string("linear")
    model["rope.scaling.factor"] = .float32(8)
    let configuration = try model.open().configuration
    #expect(configuration.layerSlides == (0..<13).map { $0 != 5 && $0 != 11 })
    #expect(configuration.slidingWindow == 4)
    #expect(configuration.slidingRope == RotaryEmbedding(theta: 10_000, headDim: 8))
    #expect(configuration.rope == RotaryEmbedding(theta: 1e6, headDim: 8, scaling: .linear(factor: 8)))
    #expect(configuration.embeddingScale == 4)
    #expect(configuration.attentionScale == 1 / Float(8).squareRoot())
  }

  @Test func gemmaKeysOverrideItsDefaults() throws {
    var model = GGUFTestModel(.gemma3, layers: 62)
    model["rope.freq_base_swa"] = .float32(20_000)
    model["attention.sliding_window_pattern"] = .uint32(2)
    let configuration = try model.open().configuration
    #expect(configuration.slidingRope?.theta == 20_000)
    #expect(configuration.layerSlides.prefix(4) == [true, false, true, false])
    // 62 layers are the 27B model: 1/√(16 / 4).
    #expect(configuration.attentionScale == 0.5)
  }

  @Test func mistralSlidesEverywhereWithOneRope() throws {
    var model = GGUFTestModel(.llama, layers: 3)
    model["attention.sliding_window"] = .uint32(4096)
    let configuration = try model.open().configuration
    #expect(configuration.slidingWindow == 4096)
    #expect(configuration.layerSlides == [true, true, true])
    #expect(configuration.slidingRope == nil)
  }

  @Test func yarnReadsItsKeys() throws {
    var model = GGUFTestModel(.qwen2)
    model["rope.scaling.type"] = .string("yarn")
    model["rope.scaling.factor"] = .float32(4)
    model["rope.scaling.original_context_length"] = .uint32(32)
    var yarn = YarnScaling(factor: 4, originalContext: 32)
    #expect(try model.open().configuration.rope == RotaryEmbedding(theta: 10_000, headDim: 8, scaling: .yarn(yarn)))
    model["rope.scaling.attn_factor"] = .float32(0.5)
    model["rope.scaling.yarn_beta_fast"] = .float32(16)
    model["rope.scaling.yarn_beta_slow"] = .float32(2)
    yarn.attentionFactor = yarn.magnitude * 0.5
    yarn.betaFast = 16
    yarn.betaSlow = 2
    #expect(try model.open().configuration.rope == RotaryEmbedding(theta: 10_000, headDim: 8, scaling: .yarn(yarn)))
  }

  @Test func oldLinearScalingKeyIsRead() throws {
    var model = GGUFTestModel(.llama)
    model["rope.scale_linear"] = .float32(2)
    #expect(
      try model.open().configuration.rope == RotaryEmbedding(theta: 10_000, headDim: 8, scaling: .linear(factor: 2)))
  }

  @Test func endOfTextIDsComeFromThreeKeysWithoutRepetition() throws {
    var model = GGUFTestModel(.llama)
    model.metadata["tokenizer.ggml.eos_token_id"] = .uint32(7)
    model.metadata["tokenizer.ggml.eot_token_id"] = .uint32(7)
    model.metadata["tokenizer.ggml.eom_token_id"] = .uint32(3)
    #expect(try model.open().endOfTextIDs == [7, 3])
  }
}
