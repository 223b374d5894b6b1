import DeRaBundle
import DeRaGGUF
import DeRaModelSpec
import DeRaPlatform
import DeRaTensorCore

/// A directory that goes with everything in it when the object does.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/dera-bundle-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw FileError.failed(attempt: "create", path: "/tmp", code: errno) }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Writes a file, without the care that `AtomicFile` takes, and returns its path.
  func write(_ bytes: [UInt8], to name: String) throws -> String {
    guard let file = fopen("\(path)/\(name)", "w") else {
      throw FileError.failed(attempt: "create", path: "\(path)/\(name)", code: errno)
    }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
    return "\(path)/\(name)"
  }

  deinit {
    if let directory = opendir(path) {
      while let entry = readdir(directory) {
        withUnsafePointer(to: &entry.pointee.d_name) { name in
          name.withMemoryRebound(to: CChar.self, capacity: 256) { _ = unlink("\(path)/\(String(cString: $0))") }
        }
      }
      closedir(directory)
    }
    rmdir(path)
  }
}

/// A bundle of a tiny reference and two aligned models, as the parts that a writer needs; tests break one of them.
struct TinyBundle {
  var manifest: BundleManifest
  var metadata: [(key: String, value: GGUFValue)]
  var tensors: [(name: String, type: GGMLType, dimensions: [Int])]

  static func configuration(tied: Bool = false) -> ModelConfiguration {
    ModelConfiguration(
      architecture: .llama, vocabularySize: 40, hiddenSize: 24, layers: 2, heads: 4, kvHeads: 2, headDim: 6,
      feedForwardSize: 50, contextLength: 128, normEpsilon: 1e-5, tiesEmbeddings: tied,
      rope: RotaryEmbedding(theta: 10_000, inverseFrequencies: [1, 0.1, 0.01]))
  }

  /// Model 1 has its own `blk.0.attn_q.weight`, model 2 its own embedding table.
  ///
  /// - Parameter changes: model 1 also adds to the embedding table and to two matrices of the feed-forward.
  init(
    tied: Bool = false, changes: Bool = false, configuration: ModelConfiguration? = nil, table: [Int8]? = nil
  ) throws {
    let configuration = configuration ?? Self.configuration(tied: tied)
    var list: [BundleTensor] = []
    let codecs: [TensorSpec.Role: PackedCodec] = [.embedding: .int8, .output: .f16]
    for spec in configuration.tensors {
      let codec = spec.role.isMatrix ? BundleCodec.packed(codecs[spec.role] ?? .int4) : .f32
      let table = codec == .packed(.int4) ? table : nil
      list.append(try BundleTensor(spec: spec, model: 0, codec: codec, table: table))
      if spec.name == "token_embd.weight" { list.append(try BundleTensor(spec: spec, model: 2, codec: codec)) }
      if spec.name == "blk.0.attn_q.weight" {
        list.append(try BundleTensor(spec: spec, model: 1, codec: codec, table: table))
      }
      if changes { list += try Self.changes(of: spec) }
    }
    for position in list.indices {
      let digit = String(position % 16, radix: 16)
      list[position].sha256 = String(repeating: digit, count: 64)
    }
    manifest = BundleManifest(
      models: ["base", "brief", "happy"], configuration: configuration, endOfTextIDs: [1, 39],
      chatTemplate: "{{ messages }}", provenance: "{}", tensors: list,
      tokenizer: BundleTokenizer(byteCount: 70, sha256: String(repeating: "a", count: 64)))
    metadata = manifest.metadata()
    tensors = manifest.fileTensors
  }

  private static func changes(of spec: TensorSpec) throws -> [BundleTensor] {
    let parts: [(TensorPart, PackedCodec)] =
      switch spec.name {
      case "token_embd.weight", "blk.0.ffn_up.weight": [(.delta, .int4)]
      case "blk.0.ffn_down.weight": [(.loraA(rank: 3), .int8), (.loraB(rank: 3), .f16)]
      default: []
      }
    return try parts.map { try BundleTensor(spec: spec, model: 1, part: $0, codec: .packed($1)) }
  }

  mutating func set(_ key: String, _ value: GGUFValue?) {
    guard let position = metadata.firstIndex(where: { $0.key == key }) else {
      if let value { metadata.append((key, value)) }
      return
    }
    if let value { metadata[position].value = value } else { metadata.remove(at: position) }
  }

  /// Writes the bundle, all weights zero, and returns its path.
  func write(in directory: TemporaryDirectory) throws -> String {
    let path = "\(directory.path)/tiny.dera"
    let file = try AtomicFile(path: path)
    var writer = try GGUFWriter(metadata: metadata, tensors: tensors)
    try writer.writeHeader(to: file)
    for tensor in writer.tensors {
      try [UInt8](repeating: 0, count: tensor.byteRange.count).withUnsafeBytes { try writer.writeTensor($0, to: file) }
    }
    try writer.finish()
    try file.commit()
    return path
  }

  /// Writes the bundle and reads its manifest.
  func reread() throws -> BundleManifest {
    let directory = try TemporaryDirectory()
    return try BundleManifest(file: GGUFFile(path: write(in: directory)))
  }
}

/// SplitMix64, so that a failing case can be run again.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}
