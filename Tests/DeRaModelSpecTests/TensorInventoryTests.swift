import DeRaModelSpec
import Testing

@Suite struct TensorInventoryTests {
  private func configuration(_ architecture: Architecture, tied: Bool = false) -> ModelConfiguration {
    ModelConfiguration(
      architecture: architecture, vocabularySize: 100, hiddenSize: 64, layers: 2, heads: 4, kvHeads: 2, headDim: 32,
      feedForwardSize: 96, contextLength: 256, normEpsilon: 1e-5, tiesEmbeddings: tied,
      rope: RotaryEmbedding(theta: 10_000, inverseFrequencies: Array(repeating: 1, count: 16)))
  }

  @Test("what a layer has follows from the architecture's flags", arguments: Architecture.all)
  func layerTensors(architecture: Architecture) {
    let names = Set(configuration(architecture).tensors.map(\.name))
    #expect(names.contains("blk.1.attn_q.bias") == architecture.hasQueryKeyValueBias)
    #expect(names.contains("blk.1.attn_k_norm.weight") == (architecture.queryKeyNorm != .none))
    #expect(names.contains("blk.1.attn_norm.weight") == (architecture.normPlacement != .post))
    #expect(names.contains("blk.1.ffn_norm.weight") == (architecture.normPlacement != .post))
    #expect(names.contains("blk.1.post_ffw_norm.weight") == (architecture.normPlacement != .pre))
  }

  @Test("names are unique and every layer has the same tensors", arguments: Architecture.all)
  func names(architecture: Architecture) {
    let tensors = configuration(architecture).tensors
    #expect(Set(tensors.map(\.name)).count == tensors.count)
    #expect(Set(tensors.map(\.huggingFaceName)).count == tensors.count)
    func layer(_ number: Int) -> [String] {
      tensors.map(\.name).filter { $0.hasPrefix("blk.\(number).") }.map { String($0.dropFirst("blk.0.".count)) }
    }
    #expect(!layer(0).isEmpty)
    #expect(layer(0) == layer(1))
  }

  @Test("shapes are output by input width") func shapes() throws {
    let tensors = configuration(.qwen3).tensors
    func shape(_ name: String) throws -> [Int] {
      let spec = try #require(tensors.first { $0.name == name })
      return [spec.rows, spec.columns]
    }
    #expect(try shape("token_embd.weight") == [100, 64])
    #expect(try shape("blk.0.attn_q.weight") == [128, 64])
    #expect(try shape("blk.0.attn_v.weight") == [64, 64])
    #expect(try shape("blk.0.attn_output.weight") == [64, 128])
    #expect(try shape("blk.0.ffn_down.weight") == [64, 96])
    #expect(try shape("blk.0.attn_q_norm.weight") == [32, 1])
    let olmo = configuration(.olmo2).tensors
    #expect(olmo.first { $0.name == "blk.0.attn_q_norm.weight" }?.rows == 128)
    #expect(olmo.first { $0.name == "blk.0.attn_k_norm.weight" }?.rows == 64)
  }

  @Test("a tied output matrix is not listed") func tied() {
    #expect(!configuration(.llama, tied: true).tensors.contains { $0.name == "output.weight" })
    #expect(configuration(.llama).tensors.last?.name == "output.weight")
  }

  @Test("architectures are found by one name only") func architectures() {
    let names = Architecture.all.flatMap(\.huggingFaceClasses).map(\.name)
    #expect(Set(names).count == names.count)
    #expect(Set(Architecture.all.map(\.name)).count == Architecture.all.count)
  }
}
