import DeRaCheckpoints
import DeRaJSON
import DeRaModelSpec
import DeRaTestSupport
import Testing

@Suite struct HuggingFaceConfigTests {
  private let files: TemporaryDirectory

  init() throws { files = try TemporaryDirectory() }

  private func configuration(_ json: String) throws -> ModelConfiguration {
    try HFConfig(path: files.write("config.json", json)).configuration()
  }

  private func error(_ fields: String, architecture: String = "LlamaForCausalLM") throws -> CheckpointError {
    try checkpointError { try configuration(#"{"architectures":["\#(architecture)"],\#(fields)}"#) }
  }

  /// configs.json holds what transformers itself made of each configuration.
  @Test func readsConfigurationsAsTransformersDoes() throws {
    let entries = try #require(CheckpointFile.json("\(Fixtures.checkpoints)/configs.json").array)
    #expect(entries.count >= 20)
    for entry in entries {
      let name = Comment(rawValue: entry["name"]?.string ?? "")
      let expected = try #require(entry["expected"])
      let config = try HFConfig(path: files.write("config.json", #require(entry["config"]).serialized))
      let found = try config.configuration()
      #expect(found.vocabularySize == expected["vocabulary"]?.int, name)
      #expect(found.hiddenSize == expected["hidden"]?.int, name)
      #expect(found.layers == expected["layers"]?.int, name)
      #expect(found.heads == expected["heads"]?.int, name)
      #expect(found.kvHeads == expected["kv_heads"]?.int, name)
      #expect(found.headDim == expected["head_dim"]?.int, name)
      #expect(found.feedForwardSize == expected["feed_forward"]?.int, name)
      #expect(found.contextLength == expected["context"]?.int, name)
      #expect(found.normEpsilon == expected["epsilon"]?.float, name)
      #expect(found.tiesEmbeddings == expected["ties"]?.bool, name)
      #expect(found.embeddingScale == expected["embedding_scale"]?.float, name)
      #expect(found.attentionScale.isClose(to: expected["attention_scale"]?.float ?? 0), name)
      #expect(found.slidingWindow == expected["window"]?.int, name)
      #expect(found.layerSlides == expected["slides"]?.array?.compactMap(\.bool), name)
      #expect(try config.endOfTextIDs(vocabularySize: 1 << 20) == expected["eos"]?.array?.compactMap(\.int), name)
      expectRope(found.rope, expected["rope"]?["full"], name)
      expectRope(found.slidingRope ?? found.rope, expected["rope"]?["sliding"], name)
    }
  }

  private func expectRope(_ rope: RotaryEmbedding, _ expected: JSON?, _ name: Comment) {
    guard let expected = expected?.array else { return }
    let frequencies = expected[0].array?.compactMap(\.float) ?? []
    #expect(rope.inverseFrequencies.count == frequencies.count, name)
    #expect(zip(rope.inverseFrequencies, frequencies).allSatisfy { $0.isClose(to: $1) }, name)
    #expect(rope.magnitude.isClose(to: expected[1].float ?? 0), name)
  }

  @Test func rotaryScalingMatchesTransformersToFloatPrecision() throws {
    for entry in try #require(CheckpointFile.json("\(Fixtures.directory)/rope/scaling.json").array) {
      let parameters = try #require(entry["parameters"])
      let headDim = try #require(entry["head_dim"]?.int)
      let theta = try #require(entry["theta"])
      let json = """
        {"architectures":["LlamaForCausalLM"],"head_dim":\(headDim),"max_position_embeddings":131072,\
        "rope_theta":\(theta.serialized),"rope_parameters":\(parameters.serialized)}
        """
      expectRope(
        try configuration(json).rope, .array([entry["frequencies"] ?? .null, entry["magnitude"] ?? .null]),
        Comment(rawValue: parameters.serialized))
    }
  }

  @Test func unsupportedArchitectureIsNamedAndSupportedOnesListed() throws {
    let error = try error(#""model_type":"falcon""#, architecture: "FalconForCausalLM")
    #expect(error.problem == "FalconForCausalLM")
    for name in ["LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Gemma3ForCausalLM"] {
      #expect(error.expected?.contains(name) == true)
    }
    #expect(try checkpointError { try configuration("{}") }.subject == "architectures")
    #expect(try checkpointError { try configuration("[]") }.problem == "not a JSON object")
  }

  @Test(arguments: [
    ("hidden_act", #""gelu""#), ("attention_bias", "true"), ("mlp_bias", "true"), ("partial_rotary_factor", "0.5"),
    ("quantization_config", #"{"bits":4}"#), ("num_local_experts", "8"), ("num_hidden_layers", "0"),
    ("num_hidden_layers", "1001"), ("num_hidden_layers", "1e30"), ("hidden_size", "-64"), ("hidden_size", #""64""#),
    ("hidden_size", "4095"), ("vocab_size", "9223372036854775807"), ("num_key_value_heads", "5"), ("head_dim", "63"),
    ("head_dim", "100000"), ("rms_norm_eps", "-1"), ("rms_norm_eps", "null"), ("tie_word_embeddings", "1"),
    ("rope_theta", "0"), ("rope_theta", "null"), ("max_position_embeddings", "2.5"), ("rope_parameters", "3"),
  ])
  func fieldThatCannotBeUsedIsNamed(field: String, value: String) throws {
    let error = try error("\"\(field)\":\(value)")
    #expect(error.subject == field || (field == "hidden_size" && error.subject == "num_attention_heads"))
    #expect(error.expected != nil)
  }

  @Test(arguments: [
    ("Gemma3ForCausalLM", "final_logit_softcapping", "30.0"), ("Gemma3ForCausalLM", "attn_logit_softcapping", "50.0"),
    ("Gemma3ForCausalLM", "use_bidirectional_attention", "true"),
    ("Gemma3ForCausalLM", "hidden_activation", #""gelu""#),
    ("Gemma3ForCausalLM", "query_pre_attn_scalar", "0"), ("Gemma3ForCausalLM", "sliding_window_pattern", "0"),
    ("Gemma3ForCausalLM", "layer_types", #"["full_attention"]"#),
    ("Gemma3ForCausalLM", "layer_types", #"["chunked_attention"]"#),
    ("Gemma3ForCausalLM", "rope_parameters", #"{"rope_type":"default","rope_theta":10000.0}"#),
    ("Gemma3ForCausalLM", "sliding_window", "null"),
    ("LlamaForCausalLM", "rope_parameters", #"{"full_attention":{"rope_theta":10000.0}}"#),
  ])
  func familyFieldThatCannotBeUsedIsNamed(architecture: String, field: String, value: String) throws {
    #expect(try error("\"\(field)\":\(value)", architecture: architecture).subject == field)
  }

  @Test(arguments: [
    (#"{"type":"dynamic","factor":2.0}"#, "rope_type"), (#"{"type":"linear"}"#, "factor"),
    (#"{"type":"linear","factor":0}"#, "factor"), (#"{"type":"linear","factor":1e300}"#, "factor"),
    (#"{"rope_type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4}"#, "high_freq_factor"),
    (#"{"rope_type":"yarn","factor":4,"truncate":1}"#, "truncate"),
    (#"{"rope_type":"yarn","factor":4,"original_max_position_embeddings":0}"#, "original_max_position_embeddings"),
    (#"{"rope_type":"default","partial_rotary_factor":0.25}"#, "partial_rotary_factor"),
    (#"{"rope_type":7}"#, "rope_type"),
  ])
  func ropeScalingThatCannotBeUsedIsNamed(scaling: String, field: String) throws {
    let error = try error("\"rope_scaling\":\(scaling)")
    #expect(error.subject?.hasSuffix(field) == true)
  }

  @Test func randomDamageNeverCrashes() throws {
    let entries = try #require(CheckpointFile.json("\(Fixtures.checkpoints)/configs.json").array)
    var random = SeededGenerator(seed: 3)
    for _ in 0..<3000 {
      var bytes = Array(try #require(entries.randomElement(using: &random)?["config"]).serialized.utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let bites = Array("0123456789-[]{},.\"enulltrue".utf8)
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = bites.randomElement(using: &random)!
      }
      let path = try files.write("config.json", bytes)
      _ = try? HFConfig(path: path).configuration()
    }
  }
}

extension Float {
  /// Equal but for the last few bits.
  fileprivate func isClose(to other: Float) -> Bool { abs(self - other) <= 4e-7 * abs(other) }
}

extension JSON {
  fileprivate var float: Float? { double.map { Float($0) } }

  /// The value as JSON text.
  fileprivate var serialized: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .double(let value): "\(value)"
    case .string(let value): "\"\(value)\""
    case .array(let values): "[\(values.map(\.serialized).joined(separator: ","))]"
    case .object(let object):
      "{\(zip(object.keys, object.values).map { "\"\($0)\":\($1.serialized)" }.joined(separator: ","))}"
    }
  }
}
