import DeRaCheckpoints
import DeRaTestSupport
import Testing

@Suite struct HuggingFaceDirectoryTests {
  private let files: TemporaryDirectory

  init() throws { files = try TemporaryDirectory() }

  private func openError() throws -> CheckpointError {
    try checkpointError { try Checkpoint.open(path: files.path) }
  }

  private func values(_ checkpoint: Checkpoint, _ name: String) throws -> [Float] {
    try #require(checkpoint.tensors[name]).readAll()
  }

  @Test(arguments: try Fixtures.goldenNames())
  func everyArchitectureOpensWithItsInventory(name: String) throws {
    let checkpoint = try Checkpoint.open(path: "\(Fixtures.goldens)/\(name)")
    let specs = checkpoint.configuration.tensors
    #expect(checkpoint.displayName == name)
    #expect(Set(checkpoint.tensors.keys) == Set(specs.map(\.name)))
    for spec in specs {
      let tensor = try #require(checkpoint.tensors[spec.name])
      #expect(tensor.rows == spec.rows && tensor.columns == spec.columns)
      let values = try tensor.readAll()
      tensor.release()
      #expect(values.allSatisfy(\.isFinite) && values.contains { $0 != 0 })
    }
  }

  @Test func gemmaNormsAreFactors() throws {
    let file = try Safetensors(path: "\(Fixtures.goldens)/gemma3/model.safetensors")
    let stored = try file.tensor(#require(file["model.norm.weight"])).readAll()
    let read = try values(Checkpoint.open(path: "\(Fixtures.goldens)/gemma3"), "output_norm.weight")
    #expect(read == stored.map { $0 + 1 })
  }

  @Test func shardsGiveTheirTensors() throws {
    let checkpoint = try Checkpoint.open(path: "\(Fixtures.goldens)/qwen3")
    #expect(checkpoint.sources.filter { $0.hasSuffix(".safetensors") }.count == 3)
    #expect(checkpoint.sources.contains { $0.hasSuffix("model.safetensors.index.json") })
  }

  @Test func endOfTextIDsOfBothFilesAreUnited() throws {
    try files.copy("\(Fixtures.goldens)/llama3")
    #expect(try Checkpoint.open(path: files.path).endOfTextIDs == [2, 3])
    try files.write("generation_config.json", #"{"eos_token_id": [9, 3, 999]}"#)
    let checkpoint = try Checkpoint.open(path: files.path)
    #expect(checkpoint.endOfTextIDs == [9, 3, 2])
    #expect(checkpoint.remarks.contains { $0.kind == .ignored && $0.text.hasPrefix("eos_token_id 999 of ") })
    try files.write("generation_config.json", #"{"eos_token_id": "</s>"}"#)
    #expect(try openError().subject == "eos_token_id")
  }

  @Test func missingShardIsNamed() throws {
    try files.copy("\(Fixtures.goldens)/qwen3")
    try files.replace("00002-of-00003", with: "00009-of-00003", in: "model.safetensors.index.json")
    let error = try openError()
    #expect(error.path.hasSuffix("model-00009-of-00003.safetensors"))
    #expect(error.problem.contains("missing"))
  }

  /// transformers takes what the shards hold, whatever the index says.
  @Test func shardsCountWhereTheIndexDiffers() throws {
    let index = "model.safetensors.index.json"
    let original = try Checkpoint.open(path: "\(Fixtures.goldens)/qwen3")
    func check(_ kind: CheckpointRemark.Kind, _ name: String) throws {
      let checkpoint = try Checkpoint.open(path: files.path)
      #expect(try values(checkpoint, "output_norm.weight") == values(original, "output_norm.weight"))
      #expect(checkpoint.remarks.contains { $0.kind == kind && $0.text.contains(index) && $0.text.contains(name) })
    }
    try files.copy("\(Fixtures.goldens)/qwen3")
    try files.replace(
      #""model.norm.weight": "model-00002-of"#, with: #""model.norm.weight": "model-00001-of"#, in: index)
    try check(.ignored, "model.norm.weight")
    try files.replace(#""model.norm.weight""#, with: #""rotary_emb.inv_freq""#, in: index)
    try check(.read, "model.norm.weight")
    try check(.ignored, "rotary_emb.inv_freq")
    try files.replace(#""model.layers.0.mlp.up_proj.weight""#, with: #""x""#, in: index)
    try check(.read, "model.layers.0.mlp.up_proj.weight")
  }

  /// expected.safetensors was made with ml_dtypes and checked against transformers; see generate_variants.py.
  @Test(arguments: ["float8-block", "float8-ragged", "float8-row", "float8-tensor"])
  func eightBitFloatsAreScaled(name: String) throws {
    let path = "\(Fixtures.checkpoints)/\(name)"
    let checkpoint = try Checkpoint.open(path: path)
    let base = try Checkpoint.open(path: "\(Fixtures.checkpoints)/base")
    let expected = try Safetensors(path: "\(path)/expected.safetensors")
    for spec in checkpoint.configuration.tensors {
      let found = try values(checkpoint, spec.name)
      let entry = expected[spec.huggingFaceName]
      #expect((entry != nil) == (spec.tensor.input != nil))
      #expect(try found == entry.map { try expected.tensor($0).readAll() } ?? values(base, spec.name), "\(spec.name)")
    }
    #expect(checkpoint.remarks.contains { $0.kind == .ignored && $0.text.contains("input_scale") })
  }

  @Test(arguments: [
    (#""quant_method": "fp8""#, #""quant_method": "awq""#, "quantization_config"),
    (#""activation_scheme": "dynamic""#, #""weight_block_size": [8]"#, ""),
  ])
  func otherQuantisationsAreNamed(old: String, new: String, subject: String) throws {
    try files.copy("\(Fixtures.checkpoints)/float8-block")
    try files.replace(old, with: new, in: "config.json")
    let error = try openError()
    #expect(subject.isEmpty || error.subject == subject)
  }

  @Test func scalesOfAnotherShapeAreNamed() throws {
    try files.copy("\(Fixtures.checkpoints)/float8-block")
    try files.replace(#""weight_block_size": ["#, with: #""unused": ["#, in: "config.json")
    _ = try Checkpoint.open(path: files.path)
    let bytes = try files.bytes("model.safetensors")
    let length = Int(bytes[0]) | Int(bytes[1]) << 8
    let header = String(decoding: bytes[8..<8 + length], as: UTF8.self).replacing(
      "\"shape\":[6,3]", with: "\"shape\":[2,9]")
    try files.write("model.safetensors", safetensorsBytes(header: header, data: Array(bytes[(8 + length)...])))
    #expect(try openError().subject?.hasSuffix("_scale_inv") == true)
  }

  /// A class's default end of text counts only where no file names one.
  @Test func endsOfTextComeFromFilesFirst() throws {
    try files.copy("\(Fixtures.checkpoints)/base")
    try files.replace(#""eos_token_id": 2,"#, with: "", in: "config.json")
    try files.write("generation_config.json", #"{"eos_token_id": [7, 99]}"#)
    #expect(try Checkpoint.open(path: files.path).endOfTextIDs == [7])
    try files.write("generation_config.json", "{}")
    let guessed = try Checkpoint.open(path: files.path)
    #expect(guessed.endOfTextIDs == [2])
    #expect(guessed.remarks.contains { $0.kind == .guessed && $0.text.contains("token 2") })
  }

  @Test func addedTokensWithoutARowAreLeftOut() throws {
    try files.copy("\(Fixtures.checkpoints)/base")
    let vocabulary = (0..<20).map { "\"\(Character(Unicode.Scalar(UInt8(97 + $0))))\": \($0)" }.joined(separator: ",")
    let added =
      #"{"id": 20, "content": "<image>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}"#
    try files.write(
      "tokenizer.json",
      #"{"added_tokens": [\#(added)], "normalizer": null, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}, "post_processor": null, "decoder": {"type": "ByteLevel"}, "model": {"type": "BPE", "vocab": {\#(vocabulary)}, "merges": []}}"#
    )
    try files.write("tokenizer_config.json", #"{"eos_token": "<image>"}"#)
    let checkpoint = try Checkpoint.open(path: files.path)
    #expect(checkpoint.tokenizer?.addedTokens.isEmpty == true && checkpoint.tokenizer?.eosID == nil)
    #expect(checkpoint.warnings.map { $0.contains("<image> (20)") } == [true])
    #expect(checkpoint.endOfTextIDs == [2])
  }

  @Test func whatIsNotReadIsNamed() throws {
    try files.copy("\(Fixtures.checkpoints)/base")
    try files.replace(#""eos_token_id": 2,"#, with: #""eos_token_id": 2, "odd": [NaN, Infinity],"#, in: "config.json")
    try files.write("training_args.bin", "x")
    let remarks = try Checkpoint.open(path: files.path).remarks
    func texts(_ kind: CheckpointRemark.Kind) -> [String] { remarks.filter { $0.kind == kind }.map(\.text) }
    #expect(texts(.read) == ["config.json, generation_config.json, model.safetensors"])
    #expect(texts(.ignored).contains { $0.hasPrefix("config.json: ") && $0.contains("odd") })
    #expect(texts(.ignored).contains("files training_args.bin"))
    #expect(texts(.warning).isEmpty)
  }

  @Test(arguments: ["../model.safetensors", "a/b.safetensors", "model.bin"])
  func shardOutsideTheDirectoryIsRefused(name: String) throws {
    try files.copy("\(Fixtures.goldens)/qwen3")
    try files.write("model.safetensors.index.json", #"{"weight_map":{"lm_head.weight":"\#(name)"}}"#)
    #expect(try openError().subject == "weight_map[lm_head.weight]")
  }

  @Test func directoryWithoutWeightsIsExplained() throws {
    try files.write("config.json", #"{"architectures":["LlamaForCausalLM"]}"#)
    try files.write("pytorch_model.bin", "x")
    #expect(try openError().problem == "no weights")
    #expect(try checkpointError { try Checkpoint.open(path: "\(files.path)/nothing") }.problem.contains("no such file"))
  }

  @Test func weightsOfAnotherShapeAreRefused() throws {
    try files.copy("\(Fixtures.goldens)/llama2")
    try files.replace(#""intermediate_size": 96"#, with: #""intermediate_size": 112"#, in: "config.json")
    let error = try openError()
    #expect(error.subject == "model.layers.0.mlp.gate_proj.weight")
    #expect(error.problem.contains("[96, 64]") && error.expected?.contains("[112, 64]") == true)
  }

  @Test func layersBeyondTheConfigurationAreRefused() throws {
    try files.copy("\(Fixtures.goldens)/llama2")
    try files.replace(#""num_hidden_layers": 2"#, with: #""num_hidden_layers": 1"#, in: "config.json")
    #expect(try openError().subject?.hasPrefix("model.layers.1.") == true)
    try files.replace(#""num_hidden_layers": 1"#, with: #""num_hidden_layers": 3"#, in: "config.json")
    let error = try openError()
    #expect(error.subject?.hasPrefix("model.layers.2.") == true)
    #expect(error.problem.contains("missing"))
  }

  /// transformers ties only when the file has no output matrix of its own, or an equal one.
  @Test func outputMatrixOfATiedModelDecides() throws {
    try files.copy("\(Fixtures.checkpoints)/base")
    try files.replace(#""tie_word_embeddings": false"#, with: #""tie_word_embeddings": true"#, in: "config.json")
    #expect(try !Checkpoint.open(path: files.path).configuration.tiesEmbeddings)
    let names = [("lm_head.weight", "model.embed_tokens.weight")]
    var bytes = try files.bytes("model.safetensors")
    let file = try Safetensors(path: "\(files.path)/model.safetensors")
    for (copy, original) in names {
      let target = try #require(file[copy]).byteRange
      bytes.replaceSubrange(target, with: bytes[try #require(file[original]).byteRange])
    }
    try files.write("model.safetensors", bytes)
    let tied = try Checkpoint.open(path: files.path)
    #expect(tied.configuration.tiesEmbeddings)
    #expect(tied.tensors["output.weight"] == nil)
  }

  /// Shapes are compared before they are checked, and one without numbers passes for any file.
  @Test(arguments: ["[0,1152921504606846976]", "[1152921504606846976,0]"])
  func emptyTensorsOfATiedModelAreRefused(shape: String) throws {
    try files.copy("\(Fixtures.checkpoints)/base")
    try files.replace(#""tie_word_embeddings": false"#, with: #""tie_word_embeddings": true"#, in: "config.json")
    let entry = #"{"dtype":"F32","shape":\#(shape),"data_offsets":[0,0]}"#
    try files.write(
      "model.safetensors",
      safetensorsBytes(header: #"{"model.embed_tokens.weight":\#(entry),"lm_head.weight":\#(entry)}"#))
    #expect(try openError().subject == "model.embed_tokens.weight")
  }

  @Test(arguments: ["", "language_model.model."])
  func otherPrefixesOfNamesAreRecognised(prefix: String) throws {
    try files.copy("\(Fixtures.goldens)/llama3")
    let bytes = try files.bytes("model.safetensors")
    let headerLength = Int(bytes[0]) | Int(bytes[1]) << 8 | Int(bytes[2]) << 16
    let header = String(decoding: bytes[8..<8 + headerLength], as: UTF8.self).replacing("\"model.", with: "\"" + prefix)
    try files.write("model.safetensors", safetensorsBytes(header: header, data: Array(bytes[(8 + headerLength)...])))
    let renamed = try Checkpoint.open(path: files.path)
    let original = try Checkpoint.open(path: "\(Fixtures.goldens)/llama3")
    for name in original.tensors.keys { #expect(try values(renamed, name) == values(original, name)) }
  }

  @Test func chatTemplateIsFoundWhereverItIs() throws {
    try files.copy("\(Fixtures.checkpoints)/base")
    #expect(try Checkpoint.open(path: files.path).chatTemplate == nil)
    try files.write("tokenizer_config.json", #"{"chat_template": "one"}"#)
    #expect(try Checkpoint.open(path: files.path).chatTemplate == "one")
    try files.write(
      "tokenizer_config.json",
      #"{"chat_template": [{"name":"tool_use","template":"x"},{"name":"default","template":"two"}]}"#)
    #expect(try Checkpoint.open(path: files.path).chatTemplate == "two")
    try files.write("chat_template.jinja", "three")
    #expect(try Checkpoint.open(path: files.path).chatTemplate == "three")
    try files.write("chat_template.jinja", [0xff])
    #expect(try openError().path.hasSuffix("chat_template.jinja"))
  }
}
