import DeRaBundle
import DeRaGGUF
import DeRaModelSpec
import DeRaTensorCore
import Testing

@Suite("Malformed bundles")
struct MalformedBundleTests {
  /// Breaks a bundle and expects a refusal that names `field`.
  private func expectRefusal(
    _ field: String, _ location: SourceLocation = #_sourceLocation, _ change: (inout TinyBundle) throws -> Void
  ) throws {
    var bundle = try TinyBundle()
    try change(&bundle)
    let error = #expect(throws: BundleError.self, sourceLocation: location) { try bundle.reread() }
    #expect(error?.description.contains(field) == true, "\(String(describing: error))", sourceLocation: location)
  }

  @Test("a GGUF file that is no bundle")
  func notABundle() throws {
    try expectRefusal("not a DeRa bundle") { $0.set("dera.version", nil) }
  }

  @Test("a later version")
  func laterVersion() throws {
    try expectRefusal("use a newer dera") { $0.set("dera.version", .uint32(2)) }
  }

  @Test("version zero")
  func versionZero() throws {
    try expectRefusal("version 0") { $0.set("dera.version", .uint32(0)) }
  }

  @Test(
    "a required key that is missing or of another type",
    arguments: [
      "general.architecture", "dera.models", "dera.end_of_text_ids", "dera.provenance", "dera.tied_embeddings",
      "dera.attention_scale", "dera.embedding_scale", "dera.layer_slides", "dera.rope.theta",
      "dera.rope.inverse_frequencies", "dera.rope.magnitude", "dera.tensor.names", "dera.tensor.codecs",
      "dera.tensor.rows", "dera.tensor.columns", "dera.tensor.sha256", "dera.tensor.tables", "dera.tokenizer.sha256",
      "llama.vocab_size", "llama.embedding_length", "llama.block_count", "llama.attention.head_count",
      "llama.attention.head_count_kv", "llama.attention.key_length", "llama.attention.value_length",
      "llama.feed_forward_length", "llama.context_length", "llama.attention.layer_norm_rms_epsilon",
    ])
  func missingOrWrongType(key: String) throws {
    try expectRefusal(key == "dera.tensor.names" ? "dera.tensor" : key) { $0.set(key, nil) }
    try expectRefusal(key == "dera.tensor.names" ? "dera.tensor" : key) {
      $0.set(key, .array(GGUFArray(bools: Array(repeating: true, count: 77))))
    }
  }

  @Test("an unknown architecture")
  func architecture() throws {
    try expectRefusal("one of llama, qwen2") { $0.set("general.architecture", .string("gpt2")) }
  }

  @Test(
    "a size that is zero, negative or huge",
    arguments: [
      "vocab_size", "embedding_length", "block_count", "attention.head_count", "attention.head_count_kv",
      "attention.key_length", "attention.value_length", "feed_forward_length", "context_length",
    ])
  func sizes(suffix: String) throws {
    for value in [0, -1, Int.max] {
      try expectRefusal("llama.\(suffix)") { $0.set("llama.\(suffix)", .int64(Int64(value))) }
    }
  }

  @Test("a size that does not fit the tensors", arguments: ["vocab_size", "embedding_length", "feed_forward_length"])
  func otherSize(suffix: String) throws {
    try expectRefusal("tensor ") { $0.set("llama.\(suffix)", .uint32(41)) }
  }

  @Test("more layers than tensors")
  func layers() throws {
    try expectRefusal("llama.block_count") { $0.set("llama.block_count", .uint32(2_000_000_000)) }
  }

  @Test("one layer more than there is")
  func oneLayerMore() throws {
    try expectRefusal("tensor blk.2.attn_norm.weight is missing") {
      $0.set("llama.block_count", .uint32(3))
      $0.set("dera.layer_slides", .array(GGUFArray(bools: [false, false, false])))
    }
  }

  @Test("an odd head size, or one that is not the values'")
  func headSize() throws {
    try expectRefusal("an even number") { $0.set("llama.attention.key_length", .uint32(7)) }
    try expectRefusal("llama.attention.value_length") { $0.set("llama.attention.value_length", .uint32(8)) }
  }

  @Test("heads that the key-value heads do not divide")
  func heads() throws {
    try expectRefusal("a divisor") { $0.set("llama.attention.head_count_kv", .uint32(3)) }
  }

  @Test("a width of all heads that overflows")
  func headsOverflow() throws {
    try expectRefusal("a width") {
      $0.set("llama.attention.head_count", .uint32(2_000_000_000))
      $0.set("llama.attention.key_length", .uint32(2_000_000_000))
      $0.set("llama.attention.value_length", .uint32(2_000_000_000))
    }
  }

  @Test(
    "a scale that is not finite and positive",
    arguments: [
      "dera.attention_scale", "dera.embedding_scale", "dera.rope.theta", "dera.rope.magnitude",
      "llama.attention.layer_norm_rms_epsilon",
    ])
  func scales(key: String) throws {
    for value in [0, -1, Float.nan, .infinity] { try expectRefusal(key) { $0.set(key, .float32(value)) } }
  }

  @Test("inverse frequencies that are too few, not finite or negative")
  func inverseFrequencies() throws {
    for values in [[], [1, 2], [1, 2, 3, 4], [1, .nan, 1], [1, 1, -.infinity], [1, -1, 1]] as [[Float]] {
      try expectRefusal("dera.rope.inverse_frequencies") {
        $0.set("dera.rope.inverse_frequencies", .array(GGUFArray(float32s: values)))
      }
    }
  }

  @Test("a sliding RoPE that is incomplete")
  func slidingRope() throws {
    try expectRefusal("dera.rope_sliding.theta") {
      $0.set("dera.rope_sliding.inverse_frequencies", .array(GGUFArray(float32s: [1, 1, 1])))
    }
  }

  @Test("sliding layers of the wrong number, or without a window")
  func layerSlides() throws {
    try expectRefusal("dera.layer_slides") { $0.set("dera.layer_slides", .array(GGUFArray(bools: [false]))) }
    try expectRefusal("llama.attention.sliding_window") {
      $0.set("dera.layer_slides", .array(GGUFArray(bools: [false, true])))
    }
    try expectRefusal("llama.attention.sliding_window") { $0.set("llama.attention.sliding_window", .uint32(0)) }
  }

  @Test("models without a name, with one name twice, with an unusable name or too many")
  func models() throws {
    let many = (0..<65).map { "m\($0)" }
    for names in [[], ["a", "b", "a"], ["a", "b", "x y"], ["a", "b", ""], many] {
      try expectRefusal("dera.models") { $0.set("dera.models", .array(GGUFArray(strings: names))) }
    }
  }

  @Test("a tensor of a model that is not there")
  func modelCount() throws {
    try expectRefusal("tensor a2.token_embd.weight") { $0.set("dera.models", .array(GGUFArray(strings: ["a", "b"]))) }
  }

  @Test("ids beyond the vocabulary")
  func ids() throws {
    for id in [Int32(-1), 40, .max] {
      try expectRefusal("dera.end_of_text_ids") {
        $0.set("dera.end_of_text_ids", .array(GGUFArray(int32s: [1, id])))
      }
    }
  }

  @Test("activations in a coding that is not known")
  func activations() throws {
    for value in [GGUFValue.string("int4"), .string(""), .uint32(16)] {
      try expectRefusal("dera.activations") { $0.set("dera.activations", value) }
    }
  }

  @Test("a tied bundle that still has an output matrix")
  func tied() throws {
    try expectRefusal("tensor output.weight") { $0.set("dera.tied_embeddings", .bool(true)) }
  }
}
