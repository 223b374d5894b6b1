import DeRaCheckpoints
import DeRaTestSupport
import Testing

@Suite struct HuggingFaceAdapterTests {
  private let files: TemporaryDirectory
  private let base: Checkpoint

  init() throws {
    files = try TemporaryDirectory()
    base = try Checkpoint.open(path: "\(Fixtures.checkpoints)/base")
  }

  private func openError() throws -> CheckpointError {
    try checkpointError { try Checkpoint.open(adapter: files.path, on: base) }
  }

  /// merged.safetensors is what PEFT's merge_and_unload changed, or mlx-lm's fuse.
  @Test(arguments: [
    "plain", "patterns", "dora", "embedding", "saved", "transposed", "regex", "mlx", "mlx-dora", "mlx-full",
  ])
  func mergesAsPEFTDoes(name: String) throws {
    let path = "\(Fixtures.checkpoints)/\(name)"
    #expect(Checkpoint.isAdapter(path: path))
    let merged = try Checkpoint.open(adapter: path, on: base)
    let expected = try Safetensors(path: "\(path)/merged.safetensors")
    #expect(expected.entries.count >= 2)
    for spec in base.configuration.tensors {
      let found = try #require(merged.tensors[spec.name]).readAll()
      let original = try #require(base.tensors[spec.name]).readAll()
      guard let entry = expected[spec.huggingFaceName] else {
        #expect(found == original, "\(spec.name)")
        continue
      }
      let values = try expected.tensor(entry).readAll()
      #expect(found != original)
      #expect(zip(found, values).allSatisfy { abs($0 - $1) <= 2e-6 * max(1, abs($1)) }, "\(spec.name)")
    }
    #expect(merged.displayName == name)
    #expect(merged.sources.count == base.sources.count + 2)
    #expect(!Checkpoint.isAdapter(path: "\(Fixtures.checkpoints)/base"))
  }

  /// W + scale · left · right is PEFT's merged matrix wherever there is an update, and there is one for each plain LoRA.
  @Test(
    arguments: [
      ("plain", 6), ("patterns", 8), ("dora", 0), ("embedding", 2), ("saved", 2), ("transposed", 2), ("regex", 10),
      ("mlx", 2), ("mlx-dora", 0), ("mlx-full", 0),
    ])
  func updatesAreWhatPEFTMerges(name: String, count: Int) throws {
    let merged = try Checkpoint.open(adapter: "\(Fixtures.checkpoints)/\(name)", on: base)
    #expect(merged.updates.count == count)
    #expect(merged.updates["token_embd.weight"] == nil)
    let expected = try Safetensors(path: "\(Fixtures.checkpoints)/\(name)/merged.safetensors")
    for spec in base.configuration.tensors {
      guard let update = merged.updates[spec.name] else { continue }
      let values = try expected.tensor(try #require(expected[spec.huggingFaceName])).readAll()
      var sum = try #require(base.tensors[spec.name]).readAll()
      for index in sum.indices {
        let (row, column) = index.quotientAndRemainder(dividingBy: spec.columns)
        for component in 0..<update.rank {
          sum[index] +=
            update.scale * update.left[row * update.rank + component] * update.right[component * spec.columns + column]
        }
      }
      #expect(zip(sum, values).allSatisfy { abs($0 - $1) <= 4e-6 * max(1, abs($1)) }, "\(spec.name)")
    }
  }

  @Test func oddAdaptersAreRemarked() throws {
    func remarks(_ origin: String?) throws -> [String] {
      var named = base
      named.originName = origin
      named.displayName = "file"
      return try Checkpoint.open(adapter: files.path, on: named).warnings
    }
    try files.copy("\(Fixtures.checkpoints)/plain")
    #expect(try remarks(nil).isEmpty)
    #expect(try remarks("somebody/Base").isEmpty)
    #expect(try remarks("somebody/other").map { $0.contains("calls itself somebody/other") } == [true])
    try files.replace(#""v_proj""#, with: #""o_proj""#, in: "adapter_config.json")
    #expect(
      try remarks(nil).map { $0.contains("model.layers.0.self_attn.v_proj, model.layers.1.self_attn.v_proj;") } == [
        true
      ])
    try files.replace(#""modules_to_save": null"#, with: #""modules_to_save": ["v_proj"]"#, in: "adapter_config.json")
    #expect(try remarks(nil).isEmpty)
    let dora = try Checkpoint.open(adapter: "\(Fixtures.checkpoints)/dora", on: base)
    #expect(dora.warnings.map { $0.hasPrefix("DoRA") } == [true])
  }

  @Test func rowsAreMergedOneByOneAlike() throws {
    let merged = try Checkpoint.open(adapter: "\(Fixtures.checkpoints)/dora", on: base)
    let tensor = try #require(merged.tensors["blk.1.attn_q.weight"])
    let whole = try tensor.readAll()
    var part = [Float](repeating: 0, count: 2 * tensor.columns)
    try part.withUnsafeMutableBufferPointer { try tensor.read(rows: 3..<5, into: $0) }
    #expect(part[...] == whole[(3 * tensor.columns)..<(5 * tensor.columns)])
  }

  @Test(arguments: [
    ("k_proj", "model.layers.0.self_attn.k_proj", true), ("k_proj", "model.layers.0.self_attn.qk_proj", false),
    ("proj", "model.layers.0.self_attn.k_proj", false), (#"layers\.1\..*"#, "model.layers.1.mlp.up_proj", true),
    (#"layers\.1\..*"#, "model.layers.11.mlp.up_proj", false),
    (#"^model.layers.\d+.mlp.up_proj$"#, "model.layers.11.mlp.up_proj", true),
    ("^layers.1.mlp", "model.layers.1.mlp", false), ("^model.layers.1.mlp", "model.layers.1.mlp", true),
    ("a+b", "x.aaab", true), ("a+b", "x.b", false), (".*", "", true), ("", "", true), ("", "x", false),
    ("", "x.", true),
  ])
  func modulePatternsMatchAsInPEFT(pattern: String, name: String, matches: Bool) throws {
    #expect(try ModulePattern(pattern).matches(name) == matches)
  }

  @Test func modulePatternsAreBounded() throws {
    #expect(throws: (any Error).self) { try ModulePattern("(a") }
    let pattern = try ModulePattern("(a|aa)+")
    #expect(throws: (any Error).self) { try pattern.matches(String(repeating: "a", count: 80) + "b") }
    #expect(try !ModulePattern("k_proj", matching: .whole).matches("x.k_proj"))
  }

  /// Training frameworks save the adapter's name with its parts.
  @Test func keysMayHoldTheAdaptersName() throws {
    for (name, part) in [("plain", "lora_A"), ("dora", "lora_magnitude_vector"), ("saved", "modules_to_save")] {
      let plain = try Checkpoint.open(adapter: "\(Fixtures.checkpoints)/\(name)", on: base)
      try files.copy("\(Fixtures.checkpoints)/\(name)")
      if name == "saved" {
        try rename("lm_head.weight", to: "lm_head.modules_to_save.default.weight")
      } else if part == "lora_A" {
        try rename("lora_A.weight", to: "lora_A.default.weight")
        try rename("lora_B.weight", to: "lora_B.default.weight")
      } else {
        try rename(#"lora_magnitude_vector""#, to: #"lora_magnitude_vector.default.weight""#)
      }
      let named = try Checkpoint.open(adapter: files.path, on: base)
      for spec in base.configuration.tensors {
        #expect(try named.tensors[spec.name]?.readAll() == plain.tensors[spec.name]?.readAll(), "\(name) \(spec.name)")
      }
      for file in ["adapter_config.json", "adapter_model.safetensors", "merged.safetensors"] { try files.remove(file) }
    }
  }

  @Test func resizedTablesAreTheAdapters() throws {
    let path = "\(Fixtures.checkpoints)/resized"
    let merged = try Checkpoint.open(adapter: path, on: base)
    let expected = try Safetensors(path: "\(path)/merged.safetensors")
    #expect(merged.configuration.vocabularySize == 22)
    for spec in merged.configuration.tensors {
      guard let entry = expected[spec.huggingFaceName] else { continue }
      let (found, values) = (try #require(merged.tensors[spec.name]).readAll(), try expected.tensor(entry).readAll())
      #expect(found.count == values.count && zip(found, values).allSatisfy { abs($0 - $1) <= 2e-6 * max(1, abs($1)) })
    }
    #expect(merged.warnings.map { $0.contains("has 22 rows") } == [true])
    try files.copy(path)
    try rename("base_model.model.lm_head.weight", to: "base_model.model.model.layers.0.self_attn.k_proj.weight")
    #expect(throws: CheckpointError.self) { try Checkpoint.open(adapter: files.path, on: base) }
  }

  @Test func mlxAdaptersAreChecked() throws {
    try files.copy("\(Fixtures.checkpoints)/mlx")
    try files.replace(#""scale": 2.5"#, with: #""scale": null"#, in: "adapter_config.json")
    #expect(try openError().subject == "lora_parameters.scale")
    try files.replace(#""scale": null"#, with: #""scale": 2.5"#, in: "adapter_config.json")
    try files.replace(#""fine_tune_type": "lora""#, with: #""fine_tune_type": "dora""#, in: "adapter_config.json")
    #expect(try openError().expected == "m in every module for dora")
    try files.replace(#""fine_tune_type": "dora""#, with: #""fine_tune_type": "other""#, in: "adapter_config.json")
    #expect(try openError().subject == "fine_tune_type")
    let other = try Checkpoint.open(path: "\(Fixtures.goldens)/llama2")
    let error = try checkpointError { try Checkpoint.open(adapter: "\(Fixtures.checkpoints)/mlx", on: other) }
    #expect(error.remedy?.contains("another base model") == true)
  }

  @Test(arguments: [
    ("somebody/Base-7B", "models/base-7b/", true), ("./x/base-7b", "Base 7B Q4 K M", true),
    ("SmolLM2-135M-Instruct", "Smollm2 135M 8k Lc100K Mix1 Ep2", true), ("base", "base-instruct", false),
    ("base-7b", "base-7b-gguf", true), ("a", "b", false),
  ])
  func basesAreToldByAnyOfTheirNames(wanted: String, found: String, areSame: Bool) throws {
    var named = base
    named.originName = found
    named.displayName = found.hasPrefix("Smollm2") ? "SmolLM2-135M-Instruct.Q4_1" : "file"
    try files.copy("\(Fixtures.checkpoints)/plain")
    try files.replace(
      #""base_model_name_or_path": "base""#, with: "\"base_model_name_or_path\": \"\(wanted)\"",
      in: "adapter_config.json")
    #expect(try Checkpoint.open(adapter: files.path, on: named).warnings.isEmpty == areSame)
  }

  @Test(arguments: [
    (#""bias": "none""#, #""bias": "all""#, "bias"), (#""peft_type": "LORA""#, #""peft_type": "IA3""#, "peft_type"),
    (#""layer_replication": null"#, #""layer_replication": [[0, 1]]"#, "layer_replication"),
    (#""init_lora_weights": true"#, #""init_lora_weights": "pissa""#, "init_lora_weights"),
    (#""use_qalora": false"#, #""use_qalora": true"#, "use_qalora"),
    (#""trainable_token_indices": null"#, #""trainable_token_indices": [1]"#, "trainable_token_indices"),
    (#""use_dora": false"#, #""use_dora": "yes""#, "use_dora"),
    (#""rank_pattern": {}"#, #""rank_pattern": {"(q|v_proj": 4}"#, "rank_pattern"),
    (#""alpha_pattern": {}"#, #""alpha_pattern": 4"#, "alpha_pattern"),
    (#""r": 4"#, #""r": 0"#, "rank of model.layers.0.mlp.down_proj"),
    (#""lora_alpha": 6"#, #""lora_alpha": null"#, "alpha of model.layers.0.mlp.down_proj"),
    (#""r": 4"#, #""r": 5"#, "base_model.model.model.layers.0.mlp.down_proj.lora_A.weight"),
    (#""use_dora": false"#, #""use_dora": true"#, "base_model.model.model.layers.0.mlp.down_proj.lora_B.weight"),
  ])
  func configurationThatCannotBeMergedIsNamed(old: String, new: String, subject: String) throws {
    try files.copy("\(Fixtures.checkpoints)/plain")
    try files.replace(old, with: new, in: "adapter_config.json")
    #expect(try openError().subject == subject)
  }

  @Test func adapterOfAnotherBaseIsRefused() throws {
    let other = try Checkpoint.open(path: "\(Fixtures.goldens)/llama2")
    let error = try checkpointError { try Checkpoint.open(adapter: "\(Fixtures.checkpoints)/plain", on: other) }
    #expect(error.remedy?.contains("another base model") == true)
  }

  @Test func unknownModuleIsRefused() throws {
    try files.copy("\(Fixtures.checkpoints)/plain")
    try rename("layers.1.self_attn.q_proj", to: "layers.7.self_attn.q_proj")
    #expect(try openError().subject == "model.layers.7.self_attn.q_proj.weight")
    try rename("base_model.model.", to: "base_model.other.")
    #expect(try openError().problem == "an unknown key")
  }

  @Test func loneHalfIsRefused() throws {
    try files.copy("\(Fixtures.checkpoints)/plain")
    try rename("layers.1.self_attn.q_proj.lora_A", to: "layers.1.self_attn.k_proj.lora_A")
    #expect(try openError().expected == "both lora_A and lora_B")
  }

  @Test func tiedBaseRefusesAChangeOfOneSideOnly() throws {
    try files.copy("\(Fixtures.checkpoints)/base")
    try files.replace(#""tie_word_embeddings": false"#, with: #""tie_word_embeddings": true"#, in: "config.json")
    try removeOutputMatrix()
    let tied = try Checkpoint.open(path: files.path)
    #expect(tied.configuration.tiesEmbeddings)
    for name in ["embedding", "saved"] {
      let error = try checkpointError { try Checkpoint.open(adapter: "\(Fixtures.checkpoints)/\(name)", on: tied) }
      #expect(error.remedy?.contains("tie_word_embeddings") == true)
    }
    _ = try Checkpoint.open(adapter: "\(Fixtures.checkpoints)/plain", on: tied)
  }

  /// Such tensors are equal, whatever length of rows they claim.
  @Test func tiedBaseRefusesEmptyTensors() throws {
    try files.copy("\(Fixtures.checkpoints)/base")
    try files.replace(#""tie_word_embeddings": false"#, with: #""tie_word_embeddings": true"#, in: "config.json")
    try removeOutputMatrix()
    let tied = try Checkpoint.open(path: files.path)
    let adapter = try TemporaryDirectory()
    try adapter.copy("\(Fixtures.checkpoints)/saved")
    let entry = #"{"dtype":"F32","shape":[0,1152921504606846976],"data_offsets":[0,0]}"#
    let embedding = "base_model.model.model.embed_tokens.weight"
    try adapter.write(
      "adapter_model.safetensors",
      safetensorsBytes(header: #"{"\#(embedding)":\#(entry),"base_model.model.lm_head.weight":\#(entry)}"#))
    #expect(try checkpointError { try Checkpoint.open(adapter: adapter.path, on: tied) }.subject == embedding)
  }

  @Test func missingWeightsAreExplained() throws {
    try files.write("adapter_config.json", #"{"peft_type":"LORA"}"#)
    #expect(try openError().problem == "no adapter_model.safetensors")
    try files.write("adapter_model.safetensors", safetensorsBytes(header: "{}"))
    #expect(try openError().problem == "the adapter has no tensors")
  }

  private func rename(_ old: String, to new: String) throws {
    let bytes = try files.bytes("adapter_model.safetensors")
    let length = Int(bytes[0]) | Int(bytes[1]) << 8
    let header = String(decoding: bytes[8..<8 + length], as: UTF8.self)
    try #require(header.contains(old))
    try files.write(
      "adapter_model.safetensors",
      safetensorsBytes(header: header.replacing(old, with: new), data: Array(bytes[(8 + length)...])))
  }

  /// Gives the output matrix of the copied base a name that readers ignore.
  private func removeOutputMatrix() throws {
    let bytes = try files.bytes("model.safetensors")
    let length = Int(bytes[0]) | Int(bytes[1]) << 8
    let header = String(decoding: bytes[8..<8 + length], as: UTF8.self)
    try files.write(
      "model.safetensors",
      safetensorsBytes(
        header: header.replacing("lm_head.weight", with: "x.rotary_emb.inv_freq"), data: Array(bytes[(8 + length)...])))
  }
}
