/// The traits that distinguish one decoder family from another, as data: the one decoder reads these, no code branches
/// on names.
package struct Architecture: Sendable, Equatable {
  /// Which vectors a layer's queries and keys are RMS-normalised over.
  package enum QueryKeyNorm: Sendable { case none, perHead, fullProjection }
  /// Where a layer normalises: before attention and feed-forward, after them, or both.
  package enum NormPlacement: Sendable { case pre, post, sandwich }
  package enum Activation: Sendable { case silu, geluTanh }

  /// GGUF's `general.architecture`.
  package let name: String
  /// `architectures[0]` of a Hugging Face `config.json`.
  package let huggingFaceNames: [String]
  package var hasQueryKeyValueBias = false
  package var queryKeyNorm = QueryKeyNorm.none
  package var normPlacement = NormPlacement.pre
  package var activation = Activation.silu
  /// Hugging Face stores `weight − 1` for RMS norms (Gemma); GGUF and we store the factor itself.
  package var huggingFaceNormsAreOffsetByOne = false
  /// GGUF stores query and key rows interleaved for adjacent-pair RoPE; we keep Hugging Face's half-split order.
  package var ggufInterleavesQueryKeyRows = false
  /// Embeddings are multiplied by √hiddenSize.
  package var scalesEmbeddings = false

  package static func == (left: Architecture, right: Architecture) -> Bool { left.name == right.name }
}

extension Architecture {
  /// Every family that can be converted and run. Adding one is adding an entry (and a golden test).
  package static let all: [Architecture] = [.llama, .qwen2, .qwen3, .olmo2, .gemma3]

  /// Llama 2 and 3.x, TinyLlama, SmolLM2, and Mistral/Zephyr (which GGUF files under the same name).
  package static let llama = Architecture(
    name: "llama", huggingFaceNames: ["LlamaForCausalLM", "MistralForCausalLM"], ggufInterleavesQueryKeyRows: true)

  package static let qwen2 = Architecture(
    name: "qwen2", huggingFaceNames: ["Qwen2ForCausalLM"], hasQueryKeyValueBias: true)

  package static let qwen3 = Architecture(
    name: "qwen3", huggingFaceNames: ["Qwen3ForCausalLM"], queryKeyNorm: .perHead)

  package static let olmo2 = Architecture(
    name: "olmo2", huggingFaceNames: ["Olmo2ForCausalLM"], queryKeyNorm: .fullProjection, normPlacement: .post)

  package static let gemma3 = Architecture(
    name: "gemma3", huggingFaceNames: ["Gemma3ForCausalLM"], queryKeyNorm: .perHead, normPlacement: .sandwich,
    activation: .geluTanh, huggingFaceNormsAreOffsetByOne: true, scalesEmbeddings: true)
}
