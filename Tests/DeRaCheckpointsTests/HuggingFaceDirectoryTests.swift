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

  @Test(arguments: [
    "llama2", "llama3", "llama3-aligned", "mistral", "qwen2", "qwen3", "olmo2", "gemma3", "gemma3-aligned", "linear",
    "yarn",
  ])
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
    #expect(try Checkpoint.open(path: files.path).endOfTextIDs == [9, 3, 2])
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

  @Test func tensorInTheWrongShardIsNamed() throws {
    try files.copy("\(Fixtures.goldens)/qwen3")
    try files.replace(
      #""model.norm.weight": "model-00002-of"#, with: #""model.norm.weight": "model-00001-of"#,
      in: "model.safetensors.index.json")
    #expect(try openError().subject == "model.norm.weight")
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
