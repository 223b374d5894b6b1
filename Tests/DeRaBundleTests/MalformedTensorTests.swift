import DeRaBundle
import DeRaGGUF
import DeRaModelSpec
import DeRaTensorCore
import DeRaTestSupport
import Testing

@Suite("Malformed tensors of bundles")
struct MalformedTensorTests {
  private func expectRefusal(
    _ field: String, changes: Bool = false, _ location: SourceLocation = #_sourceLocation,
    _ change: (inout TinyBundle) throws -> Void
  ) throws {
    var bundle = try TinyBundle(changes: changes)
    try change(&bundle)
    let error = #expect(throws: BundleError.self, sourceLocation: location) { try bundle.reread() }
    #expect(error?.description.contains(field) == true, "\(String(describing: error))", sourceLocation: location)
  }

  /// Replaces one string of an array of them.
  private func replace(_ key: String, _ old: String, _ new: String, in bundle: inout TinyBundle) {
    guard case .array(let array)? = bundle.metadata.first(where: { $0.key == key })?.value else { return }
    var strings = array.strings ?? []
    guard let position = strings.firstIndex(of: old) else { return }
    strings[position] = new
    bundle.set(key, .array(GGUFArray(strings: strings)))
  }

  @Test(
    "arrays of unequal length",
    arguments: [
      "dera.tensor.codecs", "dera.tensor.rows", "dera.tensor.columns", "dera.tensor.sha256",
    ])
  func lengths(key: String) throws {
    try expectRefusal(key) { bundle in
      let isText = key.hasSuffix("codecs") || key.hasSuffix("sha256")
      bundle.set(key, .array(isText ? GGUFArray(strings: ["f16"]) : GGUFArray(uint64s: [1])))
    }
  }

  @Test("a tensor that is described but not there")
  func missingData() throws {
    try expectRefusal("tensor output_norm.weight is missing") { bundle in
      bundle.tensors.removeAll { $0.name == "output_norm.weight" }
    }
  }

  @Test("a tensor that is there but not described")
  func undescribed() throws {
    try expectRefusal("tensor extra is not described") { $0.tensors.append(("extra", .f32, [4])) }
  }

  @Test("the reference called a0")
  func referencePrefix() throws {
    try expectRefusal("tensor a0.output_norm.weight is unknown") {
      replace("dera.tensor.names", "output_norm.weight", "a0.output_norm.weight", in: &$0)
    }
  }

  @Test("a name twice")
  func duplicate() throws {
    try expectRefusal("each name once") {
      replace("dera.tensor.names", "blk.1.attn_norm.weight", "blk.0.attn_norm.weight", in: &$0)
    }
  }

  @Test(
    "names of aligned tensors that are not exactly ours",
    arguments: ["a3", "a01", "a-1", "a+1", "b1", "a", "a99999999999999999999"])
  func alignedNames(prefix: String) throws {
    try expectRefusal("tensor \(prefix).blk.0.attn_q.weight") {
      replace("dera.tensor.names", "a1.blk.0.attn_q.weight", "\(prefix).blk.0.attn_q.weight", in: &$0)
    }
  }

  @Test("rows or columns that are not the configuration's")
  func shape() throws {
    for key in ["dera.tensor.rows", "dera.tensor.columns"] {
      for value in [0, 41, UInt64(Int.max), .max] {
        try expectRefusal(value == .max ? key : "tensor token_embd.weight") { bundle in
          let count = bundle.manifest.tensors.count
          bundle.set(key, .array(GGUFArray(uint64s: Array(repeating: value, count: count))))
        }
      }
    }
  }

  @Test("a codec that is unknown or not for this kind of tensor")
  func codec() throws {
    for (old, new) in [("int8", "int3"), ("int8", "f32"), ("f32", "int8"), ("int8", "")] {
      try expectRefusal("coded as \"\(new)\"") { replace("dera.tensor.codecs", old, new, in: &$0) }
    }
  }

  @Test("a codec that does not fit the bytes")
  func codecBytes() throws {
    try expectRefusal("tensor token_embd.weight") { replace("dera.tensor.codecs", "int8", "f16", in: &$0) }
  }

  @Test("data of another type or size")
  func data() throws {
    let norm = "output_norm.weight"
    for (name, type, dimensions) in [
      (norm, GGMLType.f16, [24]), (norm, .f32, [25]), (norm, .f32, [12, 2]), ("token_embd.weight", .i8, [544 * 3]),
      ("token_embd.weight", .i8, [544, 4]), ("token_embd.weight", .i16, [272, 3]),
    ] {
      try expectRefusal("tensor \(name)") { bundle in
        for position in bundle.tensors.indices where bundle.tensors[position].name == name {
          bundle.tensors[position] = (name, type, dimensions)
        }
      }
    }
  }

  @Test("a checksum that is none")
  func checksum() throws {
    for checksum in ["", "abc", String(repeating: "A", count: 64), String(repeating: "a", count: 65)] {
      try expectRefusal("dera.tensor.sha256") {
        replace("dera.tensor.sha256", String(repeating: "0", count: 64), checksum, in: &$0)
      }
      try expectRefusal("dera.tokenizer.sha256") { $0.set("dera.tokenizer.sha256", .string(checksum)) }
    }
  }

  @Test("tables of another size or with values of more than 6 bits")
  func tables() throws {
    let int4s = try TinyBundle().manifest.tensors.count { $0.codec == .packed(.int4) }
    for values in [[1, 2, 3], [Int8](repeating: 32, count: 16 * int4s)] {
      try expectRefusal("dera.tensor.tables") { $0.set("dera.tensor.tables", .array(GGUFArray(int8s: values))) }
    }
  }

  @Test("a tokenizer of another type or shape")
  func tokenizer() throws {
    for (type, dimensions) in [(GGMLType.f32, [70]), (.i8, [35, 2])] {
      try expectRefusal("dera.tokenizer") { bundle in
        bundle.tensors[bundle.tensors.count - 1] = ("dera.tokenizer", type, dimensions)
      }
    }
  }

  /// Gives a tensor another name, in the description and in the file.
  private func rename(_ old: String, _ new: String, in bundle: inout TinyBundle) {
    replace("dera.tensor.names", old, new, in: &bundle)
    for position in bundle.tensors.indices where bundle.tensors[position].name == old {
      bundle.tensors[position].name = new
    }
  }

  private static let down = "a1.blk.0.ffn_down.weight"

  @Test(
    "a change with a name that is not exactly ours",
    arguments: [".deltas", ".lora_c", ".delta.delta", ".lora_a.lora_b", ".", ".delta."])
  func changeNames(suffix: String) throws {
    try expectRefusal("\(Self.down)\(suffix) is unknown", changes: true) {
      rename("\(Self.down).lora_a", Self.down + suffix, in: &$0)
    }
  }

  @Test("a change of the reference")
  func referenceChange() throws {
    try expectRefusal("tensor blk.0.ffn_up.weight.delta is unknown", changes: true) {
      rename("a1.blk.0.ffn_up.weight.delta", "blk.0.ffn_up.weight.delta", in: &$0)
    }
  }

  @Test("a change of a vector")
  func vectorChange() throws {
    for suffix in [".delta", ".lora_a", ".lora_b"] {
      try expectRefusal("of a vector", changes: true) {
        rename("a1.blk.0.ffn_up.weight.delta", "a1.blk.0.ffn_norm.weight\(suffix)", in: &$0)
      }
    }
  }

  @Test("one factor without the other")
  func loneFactor() throws {
    for suffix in [".lora_a", ".lora_b"] {
      try expectRefusal("tensor \(Self.down)\(suffix) is alone", changes: true) { bundle in
        let kept = bundle.manifest.tensors.filter {
          $0.fileName != Self.down + (suffix == ".lora_a" ? ".lora_b" : ".lora_a")
        }
        bundle.replaceTensors(kept)
      }
    }
  }

  @Test("two kinds of change of one tensor")
  func twoChanges() throws {
    let kinds: [[TensorPart]] = [
      [.whole, .delta], [.whole, .loraA(rank: 3)], [.delta, .loraA(rank: 3), .loraB(rank: 3)],
      [.whole, .loraA(rank: 3), .loraB(rank: 3)],
    ]
    for parts in kinds {
      try expectRefusal("expected one kind of change", changes: true) { bundle in
        try bundle.change("blk.1.ffn_down.weight", parts)
      }
    }
  }

  @Test("factors of different ranks")
  func ranks() throws {
    try expectRefusal("of ranks 3 and 4, expected the same rank") {
      try $0.change("blk.1.ffn_down.weight", [.loraA(rank: 3), .loraB(rank: 4)])
    }
  }

  @Test("ranks that no matrix of this shape can have", arguments: [0, 25, Int(Int32.max), Int.max])
  func rankBounds(rank: Int) throws {
    for suffix in ["a", "b"] {
      try expectRefusal(
        "tensor \(Self.down).lora_\(suffix) is of rank \(rank), expected a rank of 1 to 24", changes: true
      ) {
        $0.setShape("\(Self.down).lora_\(suffix)", suffix == "a" ? [rank, 50] : [24, rank])
      }
    }
  }

  @Test("changes of a shape that does not fit the matrix")
  func changeShape() throws {
    for (name, shape, expected) in [
      ("\(Self.down).lora_a", [3, 49], "3 × 50"), ("\(Self.down).lora_b", [25, 3], "24 × 3"),
      ("a1.blk.0.ffn_up.weight.delta", [24, 50], "50 × 24"),
    ] {
      try expectRefusal("tensor \(name) is \(shape[0]) × \(shape[1]), expected \(expected)", changes: true) {
        $0.setShape(name, shape)
      }
    }
  }

  @Test("changes that are no packed matrices")
  func changeCodec() throws {
    for codec in ["f32", "int3"] {
      try expectRefusal("coded as \"\(codec)\"", changes: true) { bundle in
        bundle.setCodec("\(Self.down).lora_b", codec)
      }
    }
  }

  @Test(
    "a left factor of integers, whose input has no codes",
    arguments: [.int8, .int6, .int2, .ternary, .int1] as [PackedCodec])
  func leftFactorCodec(codec: PackedCodec) throws {
    try expectRefusal("lora_b is coded as \"\(codec)\", expected f16", changes: true) { bundle in
      bundle.setCodec("\(Self.down).lora_b", codec.rawValue)
    }
  }

  @Test("a header with random bytes changed is refused or read, never a crash")
  func fuzz() throws {
    let directory = try TemporaryDirectory()
    let path = try TinyBundle(changes: true).write(in: directory)
    let whole = try GGUFFile(path: path)
    let original = withExtendedLifetime(whole) { Array(whole.file.bytes) }
    let header = whole.tensors.map(\.byteRange.lowerBound).min() ?? 0
    let seed: UInt64 = 20_261_123
    var refused = 0
    for round in 0..<3_000 {
      var generator = SeededGenerator(seed: seed &+ UInt64(round))
      var bytes = original
      for _ in 0...Int.random(in: 0..<4, using: &generator) {
        let position = Int.random(in: 0..<header, using: &generator)
        bytes[position] = Bool.random(using: &generator) ? .random(in: 0...255, using: &generator) : 0xff
      }
      if round % 10 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator)) }
      let fuzzed = try directory.write("fuzzed.dera", bytes)
      do {
        let manifest = try BundleManifest(file: GGUFFile(path: fuzzed))
        // What is read must be whole.
        for spec in manifest.configuration.tensors {
          #expect(manifest.tensor(spec.name, model: 0) != nil)
          #expect(manifest.storedTensors(spec.name, model: 1).allSatisfy { $0.byteRange.count == $0.byteCount })
        }
      } catch let error as BundleError {
        #expect(!error.description.isEmpty)
        refused += 1
      } catch let error as GGUFError {
        #expect(!error.description.isEmpty)
        refused += 1
      }
    }
    #expect(refused > 500, "seed \(seed)")
  }
}

extension TinyBundle {
  /// Makes these the tensors of the bundle.
  fileprivate mutating func replaceTensors(_ list: [BundleTensor]) {
    manifest = BundleManifest(
      models: manifest.models, configuration: manifest.configuration, endOfTextIDs: manifest.endOfTextIDs,
      provenance: "{}", tensors: list)
    metadata = manifest.metadata()
    tensors = manifest.fileTensors
  }

  /// Adds parts of a tensor for model 1.
  fileprivate mutating func change(_ name: String, _ parts: [TensorPart]) throws {
    guard let spec = manifest.configuration.tensors.first(where: { $0.name == name }) else { return }
    let added = try parts.map { part in
      // A left factor has no other codec.
      let codec: PackedCodec = if case .loraB = part { .f16 } else { .int8 }
      return try BundleTensor(spec: spec, model: 1, part: part, codec: .packed(codec))
    }
    replaceTensors(manifest.tensors + added)
  }

  fileprivate mutating func setShape(_ name: String, _ shape: [Int]) {
    guard let position = manifest.tensors.firstIndex(where: { $0.fileName == name }) else { return }
    for (key, value) in zip(["dera.tensor.rows", "dera.tensor.columns"], shape) {
      var values = manifest.tensors.map { UInt64(key.hasSuffix("rows") ? $0.rows : $0.columns) }
      values[position] = UInt64(value)
      set(key, .array(GGUFArray(uint64s: values)))
    }
  }

  fileprivate mutating func setCodec(_ name: String, _ codec: String) {
    let codecs = manifest.tensors.map { $0.fileName == name ? codec : $0.codec.name }
    set("dera.tensor.codecs", .array(GGUFArray(strings: codecs)))
  }
}
