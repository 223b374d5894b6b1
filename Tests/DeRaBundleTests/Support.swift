import DeRaBundle
import DeRaGGUF
import DeRaModelSpec
import DeRaPlatform
import DeRaTensorCore
import DeRaTestSupport

/// A bundle of a tiny reference and two aligned models, as the parts that a writer needs; tests break one of them.
struct TinyBundle {
  var manifest: BundleManifest
  var metadata: [(key: String, value: GGUFValue)]
  var tensors: [(name: String, type: GGMLType, dimensions: [Int])]

  /// Model 1 has its own `blk.0.attn_q.weight`, model 2 its own embedding table.
  ///
  /// - Parameter changes: model 1 also adds to the embedding table and to two matrices of the feed-forward.
  init(
    tied: Bool = false, changes: Bool = false, configuration: ModelConfiguration? = nil, table: [Int8]? = nil
  ) throws {
    let codecs: [TensorSpec.Role: PackedCodec] = [.embedding: .int8, .output: .f16]
    manifest = try .tiny(
      ["base", "brief", "happy"], configuration ?? .tiny(tied: tied), endOfTextIDs: [1, 39],
      chatTemplate: "{{ messages }}",
      tokenizer: BundleTokenizer(byteCount: 70, sha256: String(repeating: "a", count: 64)),
      codec: { codecs[$0.role] ?? .int4 }, table: table,
      added: { tensor in
        let own = ["token_embd.weight": 2, "blk.0.attn_q.weight": 1][tensor.spec.name]
        return try (own.map { [try tensor.of(model: $0)] } ?? []) + (changes ? Self.changes(of: tensor.spec) : [])
      })
    for position in manifest.tensors.indices {
      manifest.setChecksum(String(repeating: String(position % 16, radix: 16), count: 64), at: position)
    }
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
