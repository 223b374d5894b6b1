import DeRaCheckpoints
import DeRaGGUF
import DeRaModelSpec
import DeRaPlatform

/// A tiny GGUF model of any family, right or wrong: metadata and the tensors of the inventory, all f32 zeros.
struct GGUFTestModel {
  typealias Tensor = (name: String, type: GGMLType, dimensions: [Int])

  let architecture: Architecture
  var metadata: [String: GGUFValue]
  var tensors: [Tensor]
  /// Data of tensors that are not to be zeros.
  var data: [String: [Float]] = [:]

  init(_ architecture: Architecture, layers: Int = 1, isTied: Bool = true) {
    self.architecture = architecture
    let headDim = 8
    let configuration = ModelConfiguration(
      architecture: architecture, vocabularySize: 20, hiddenSize: 16, layers: layers, heads: 4, kvHeads: 2,
      headDim: headDim, feedForwardSize: 24, contextLength: 128, normEpsilon: 1e-6, tiesEmbeddings: isTied,
      rope: RotaryEmbedding(theta: 10_000, headDim: headDim))
    tensors = configuration.tensors.map {
      ($0.name, .f32, $0.role.isMatrix ? [$0.columns, $0.rows] : [$0.rows])
    }
    metadata = ["general.architecture": .string(architecture.name)]
    let values: [String: GGUFValue] = [
      "embedding_length": .uint32(16), "block_count": .uint32(UInt32(layers)), "feed_forward_length": .uint32(24),
      "context_length": .uint32(128), "attention.head_count": .uint32(4), "attention.head_count_kv": .uint32(2),
      "attention.key_length": .uint32(8), "attention.value_length": .uint32(8), "rope.freq_base": .float32(10_000),
      "attention.layer_norm_rms_epsilon": .float32(1e-6),
    ]
    for (key, value) in values { self[key] = value }
    if architecture.gguf.slidingWindow?.isRequired ?? false { self["attention.sliding_window"] = .uint32(4) }
  }

  /// A key of the family, without its prefix.
  subscript(key: String) -> GGUFValue? {
    get { metadata["\(architecture.name).\(key)"] }
    set { metadata["\(architecture.name).\(key)"] = newValue }
  }

  func write(to path: String) throws {
    let sorted = metadata.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
    var writer = try GGUFWriter(metadata: sorted, tensors: tensors)
    let file = try AtomicFile(path: path)
    try writer.writeHeader(to: file)
    for tensor in writer.tensors {
      let zeros = [UInt8](repeating: 0, count: tensor.byteRange.count)
      if let values = data[tensor.name] {
        try values.withUnsafeBytes { try writer.writeTensor($0, to: file) }
      } else {
        try zeros.withUnsafeBytes { try writer.writeTensor($0, to: file) }
      }
    }
    try writer.finish()
    try file.commit()
  }

  func open() throws -> Checkpoint {
    let files = try TemporaryFiles()
    let path = files.path + "/model.gguf"
    try write(to: path)
    return try Checkpoint.open(path: path)
  }
}
