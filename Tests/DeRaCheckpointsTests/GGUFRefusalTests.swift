import DeRaCheckpoints
import DeRaGGUF
import DeRaModelSpec
import Testing

/// GGUF models that must not open: every error names the key or tensor.
struct GGUFRefusalTests {
  private func subject(_ model: GGUFTestModel) throws -> String? {
    try checkpointError { try model.open() }.subject
  }

  @Test func unknownArchitectureListsTheSupportedOnes() throws {
    var model = GGUFTestModel(.llama)
    model.metadata["general.architecture"] = .string("mamba")
    let error = try checkpointError { try model.open() }
    #expect(error.problem == "mamba")
    for architecture in Architecture.all { #expect(error.expected?.contains(architecture.name) == true) }
  }

  @Test func missingArchitecture() throws {
    var model = GGUFTestModel(.llama)
    model.metadata["general.architecture"] = nil
    #expect(try subject(model) == "general.architecture")
  }

  @Test func adapterAndSplitFiles() throws {
    var model = GGUFTestModel(.llama)
    model.metadata["general.type"] = .string("adapter")
    #expect(try subject(model) == "general.type")
    model.metadata["general.type"] = .string("model")
    model.metadata["split.count"] = .uint16(2)
    #expect(try subject(model) == "split.count")
  }

  @Test func convertedBundle() throws {
    var model = GGUFTestModel(.llama)
    model.metadata["dera.version"] = .uint32(1)
    #expect(try subject(model) == "dera.version")
  }

  @Test(arguments: [
    "embedding_length", "block_count", "feed_forward_length", "context_length", "attention.head_count",
    "attention.layer_norm_rms_epsilon",
  ])
  func missingKey(key: String) throws {
    var model = GGUFTestModel(.qwen3)
    model[key] = nil
    #expect(try subject(model) == "qwen3.\(key)")
  }

  @Test(arguments: [
    ("block_count", GGUFValue.uint32(.max)), ("block_count", .uint32(0)), ("block_count", .string("1")),
    ("block_count", .uint64(.max)), ("embedding_length", .int32(-16)), ("attention.head_count_kv", .uint32(3)),
    ("attention.head_count", .array(GGUFArray(int32s: [4]))), ("attention.key_length", .uint32(7)),
    ("attention.value_length", .uint32(4)), ("rope.dimension_count", .uint32(4)), ("rope.freq_base", .float32(0)),
    ("rope.freq_base", .float32(.nan)), ("attention.layer_norm_rms_epsilon", .float32(.infinity)),
    ("rope.scaling.type", .string("longrope")), ("rope.scaling.factor", .float32(-1)),
    ("attention.sliding_window", .uint32(8)), ("expert_count", .uint32(8)),
    ("final_logit_softcapping", .float32(30)), ("embedding_scale", .float32(12)),
  ])
  func wrongValue(key: String, value: GGUFValue) throws {
    var model = GGUFTestModel(.qwen3)
    model[key] = value
    #expect(try subject(model) == "qwen3.\(key)")
  }

  @Test func gemmaNeedsItsWindow() throws {
    var model = GGUFTestModel(.gemma3)
    model["attention.sliding_window"] = nil
    #expect(try subject(model) == "gemma3.attention.sliding_window")
  }

  @Test func everyMissingTensorIsNamed() throws {
    let complete = GGUFTestModel(.gemma3)
    for index in complete.tensors.indices {
      var model = complete
      let name = model.tensors.remove(at: index).name
      #expect(try subject(model) == name)
    }
  }

  @Test func everyWrongShapeIsNamed() throws {
    let complete = GGUFTestModel(.olmo2)
    for index in complete.tensors.indices {
      var model = complete
      model.tensors[index].dimensions[0] += 32
      let error = try subject(model)
      #expect(error == model.tensors[index].name)
    }
  }

  @Test func unknownTensorIsNamed() throws {
    var model = GGUFTestModel(.llama)
    model.tensors.append(("blk.0.attn_q.bias", .f32, [32]))
    #expect(try subject(model) == "blk.0.attn_q.bias")
  }

  @Test func unsupportedTensorTypes() throws {
    var model = GGUFTestModel(.llama)
    model.tensors[0].type = .i8
    #expect(try subject(model) == "token_embd.weight")
    model = GGUFTestModel(.llama)
    let norm = try #require(model.tensors.firstIndex { $0.name == "output_norm.weight" })
    model.tensors[norm] = ("output_norm.weight", .q8_0, [32])
    model["embedding_length"] = .uint32(32)
    model["attention.head_count_kv"] = .uint32(4)
    model.tensors = model.tensors.map { tensor in
      (tensor.name, tensor.type, tensor.dimensions.map { $0 == 16 ? 32 : $0 })
    }
    #expect(try subject(model) == "output_norm.weight")
  }

  @Test func badFrequencyFactors() throws {
    var model = GGUFTestModel(.llama)
    model.tensors.append(("rope_freqs.weight", .f32, [4]))
    #expect(try subject(model) == "rope_freqs.weight")
    model.data["rope_freqs.weight"] = [1, 1, .nan, 1]
    #expect(try subject(model) == "rope_freqs.weight")
    model.data["rope_freqs.weight"] = [1, 1, 2, 4]
    #expect(try model.open().configuration.rope.inverseFrequencies[3] == 0.000_25)
  }

  @Test func endOfTextIDOutsideTheVocabulary() throws {
    for value in [GGUFValue.uint64(.max), .string("2")] {
      var model = GGUFTestModel(.llama)
      model.metadata["tokenizer.ggml.eos_token_id"] = value
      #expect(try subject(model) == "tokenizer.ggml.eos_token_id")
    }
    for (value, isRemarked) in [(GGUFValue.uint32(20), true), (.int32(-1), false), (.uint32(.max), false)] {
      var model = GGUFTestModel(.llama)
      model.metadata["tokenizer.ggml.eos_token_id"] = value
      let checkpoint = try model.open()
      #expect(checkpoint.endOfTextIDs.isEmpty)
      #expect(checkpoint.remarks.contains { $0.text.contains("eos_token_id 20") } == isRemarked)
    }
  }

  @Test func keysThatAreNotReadAreNamed() throws {
    var model = GGUFTestModel(.llama)
    model["odd"] = .uint32(1)
    model["rope.freq_base"] = nil
    let remarks = try model.open().remarks
    #expect(remarks.contains(CheckpointRemark(.ignored, "metadata llama.odd")))
    #expect(remarks.contains { $0.kind == .guessed && $0.text.hasPrefix("llama.rope.freq_base") })
  }

  @Test func damagedFileNamesTheByte() throws {
    let files = try TemporaryFiles()
    let path = try files.write("cut.gguf", Array("GGUF".utf8) + [3, 0, 0, 0, 1])
    let error = try checkpointError { try Checkpoint.open(path: path) }
    #expect(error.path == path)
    #expect(error.subject == "byte 8")
    _ = try checkpointError { try Checkpoint.open(path: path + ".absent") }
  }

  /// Bit flips and truncations of a valid model: open and read what opens, and never crash.
  @Test func fuzzedModelsNeverCrash() throws {
    let seed: UInt64 = 20_240_205
    print("fuzzedModelsNeverCrash: seed \(seed)")
    var random = SeededRandom(seed: seed)
    let files = try TemporaryFiles()
    let path = files.path + "/valid.gguf"
    var model = GGUFTestModel(.llama)
    model.tensors.append(("rope_freqs.weight", .f32, [4]))
    model.data["rope_freqs.weight"] = [1, 1, 2, 4]
    try model.write(to: path)
    let valid = try files.bytes("valid.gguf")
    var opened = 0
    for _ in 0..<1500 {
      var bytes = valid
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        // The header is 4,096 bytes, most of it padding; half the flips go to its first part.
        let limit = Bool.random(using: &random) ? 900 : bytes.count
        bytes[Int.random(in: 0..<limit, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
      if Int.random(in: 0..<8, using: &random) == 0 {
        bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
      }
      try files.write("fuzzed.gguf", bytes)
      guard let checkpoint = try? Checkpoint.open(path: files.path + "/fuzzed.gguf") else { continue }
      opened += 1
      for source in checkpoint.tensors.values { _ = try source.readAll() }
    }
    #expect((1..<1500).contains(opened))
  }
}
