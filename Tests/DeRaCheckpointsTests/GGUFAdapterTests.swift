import DeRaCheckpoints
import DeRaGGUF
import DeRaPlatform
import Testing

/// A LoRA adapter in a GGUF file against sums made with numpy from the weights that transformers loads.
@Suite struct GGUFAdapterTests {
  private static let path = Fixtures.directory + "/gguf/lora.gguf"
  private let base: Checkpoint
  private let files: TemporaryFiles

  init() throws {
    base = try Checkpoint.open(path: GGUFModelTests.path)
    files = try TemporaryFiles()
  }

  @Test func changesWhatLlamaCppChanges() throws {
    #expect(Checkpoint.isAdapter(path: Self.path))
    #expect(!Checkpoint.isAdapter(path: GGUFModelTests.path))
    let merged = try Checkpoint.open(adapter: Self.path, on: base)
    let expected = try GGUFFile(path: Fixtures.directory + "/gguf/lora.expected.gguf")
    #expect(Set(merged.updates.keys) == Set(expected.tensors.map(\.name)))
    #expect(merged.updates.count == 4)
    for (name, source) in merged.tensors {
      let found = try source.readAll()
      let original = try #require(base.tensors[name]).readAll()
      guard let tensor = expected.tensor(named: name) else {
        #expect(found == original, "\(name)")
        continue
      }
      let values = try GGUFTensorSource(file: expected, tensor: tensor, dimensions: tensor.dimensions).readAll()
      #expect(found != original, "\(name)")
      #expect(zip(found, values).allSatisfy { abs($0 - $1) <= 4e-6 * max(1, abs($1)) }, "\(name)")
    }
    #expect(merged.displayName == "lora")
    #expect(merged.sources == base.sources + [Self.path])
    #expect(merged.warnings.isEmpty)
  }

  /// The fixture's adapter, or a broken copy of it.
  private func error(_ change: (inout Parts) -> Void) throws -> CheckpointError {
    var parts = try Parts(path: Self.path)
    change(&parts)
    let path = files.path + "/lora.gguf"
    try parts.write(to: path)
    return try checkpointError { try Checkpoint.open(adapter: path, on: base) }
  }

  private struct Parts {
    var metadata: [(key: String, value: GGUFValue)]
    var tensors: [(name: String, type: GGMLType, dimensions: [Int])]

    init(path: String) throws {
      let file = try GGUFFile(path: path)
      metadata = [
        ("general.architecture", .string("llama")), ("general.type", .string("adapter")),
        ("adapter.type", .string("lora")), ("adapter.lora.alpha", .float32(6)),
      ]
      tensors = file.tensors.map { ($0.name, $0.type, $0.dimensions) }
    }

    mutating func set(_ key: String, _ value: GGUFValue?) {
      metadata.removeAll { $0.key == key }
      if let value { metadata.append((key, value)) }
    }

    mutating func rename(_ old: String, _ new: String) {
      for index in tensors.indices where tensors[index].name == old { tensors[index].name = new }
    }

    func write(to path: String) throws {
      var writer = try GGUFWriter(metadata: metadata, tensors: tensors)
      let file = try AtomicFile(path: path)
      try writer.writeHeader(to: file)
      for tensor in writer.tensors {
        let zeros = [UInt8](repeating: 0, count: tensor.byteRange.count)
        try zeros.withUnsafeBytes { try writer.writeTensor($0, to: file) }
      }
      try writer.finish()
      try file.commit()
    }
  }

  @Test func headerIsChecked() throws {
    #expect(try error { $0.set("adapter.type", .string("control_vector")) }.subject == "adapter.type")
    #expect(try error { $0.set("adapter.type", nil) }.subject == "adapter.type")
    #expect(try error { $0.set("adapter.lora.alpha", nil) }.subject == "adapter.lora.alpha")
    #expect(try error { $0.set("adapter.lora.alpha", .float32(.nan)) }.subject == "adapter.lora.alpha")
    #expect(try error { $0.set("general.architecture", .string("qwen3")) }.subject == "general.architecture")
    #expect(try error { $0.tensors = [] }.problem == "the adapter has no tensors")
  }

  @Test func tensorsAreChecked() throws {
    let query = "blk.0.attn_q.weight"
    #expect(try error { $0.rename("\(query).lora_a", query) }.problem == "neither factor of a matrix")
    #expect(
      try error { $0.rename("\(query).lora_a", "blk.7.attn_q.weight.lora_a") }.remedy?.contains("another base") == true)
    #expect(try error { $0.tensors.removeAll { $0.name == "\(query).lora_b" } }.expected == "both .lora_a and .lora_b")
    #expect(try error { $0.tensors.removeAll { $0.name == "\(query).lora_a" } }.expected == "both .lora_a and .lora_b")
    #expect(
      try error {
        $0.rename("\(query).lora_a", "blk.0.attn_norm.weight.lora_a")
        $0.rename("\(query).lora_b", "blk.0.attn_norm.weight.lora_b")
      }.problem == "the change of a vector")
    for (name, dimensions) in [("a", [32, 4]), ("a", [31, 3]), ("b", [4, 64]), ("b", [3, 63])] {
      let found = try error { parts in
        for index in parts.tensors.indices where parts.tensors[index].name == "\(query).lora_\(name)" {
          parts.tensors[index].dimensions = dimensions
        }
      }
      #expect(found.problem.hasPrefix("dimensions"), "\(name) \(dimensions)")
    }
  }

  @Test func anotherBaseIsRemarked() throws {
    var parts = try Parts(path: Self.path)
    parts.set("general.base_model.0.name", .string("Some Other 7B"))
    let path = files.path + "/named.gguf"
    try parts.write(to: path)
    var named = base
    for (origin, isRemarked) in [("x/Other-7B", true), ("x/some-other-7b", false), (nil, false)] as [(String?, Bool)] {
      named.originName = origin
      #expect(try Checkpoint.open(adapter: path, on: named).warnings.isEmpty == !isRemarked, "\(origin ?? "none")")
    }
  }
}
