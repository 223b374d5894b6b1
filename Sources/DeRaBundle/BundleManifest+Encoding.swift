import DeRaGGUF
import DeRaModelSpec
import DeRaTensorCore

extension BundleManifest {
  /// The metadata of the file.
  ///
  /// - Parameter tokenizerMetadata: the standard `tokenizer.ggml.*` keys, for other programs.
  package func metadata(
    tokenizerMetadata: [(key: String, value: GGUFValue)] = []
  ) -> [(key: String, value: GGUFValue)] {
    var list: [(key: String, value: GGUFValue)] = [
      (BundleKey.architecture, .string(configuration.architecture.name)),
      (BundleKey.name, .string(models.joined(separator: " + "))),
      (BundleKey.version, .uint32(UInt32(Self.version))),
      (BundleKey.models, .array(GGUFArray(strings: models))),
    ]
    list += configuration.metadata
    list.append((BundleKey.endOfTextIDs, .array(GGUFArray(int32s: endOfTextIDs.map { Int32(clamping: $0) }))))
    if activations != .int8 { list.append((BundleKey.activations, .string(activations.rawValue))) }
    list.append((BundleKey.provenance, .string(provenance)))
    list += tensorMetadata
    if let tokenizer { list.append((BundleKey.tokenizerChecksum, .string(tokenizer.sha256))) }
    list += tokenizerMetadata
    if let chatTemplate { list.append((BundleKey.chatTemplate, .string(chatTemplate))) }
    return list
  }

  /// The tensors in the file's order: the weights, then the tokenizer.
  package var fileTensors: [(name: String, type: GGMLType, dimensions: [Int])] {
    var list = tensors.map { (name: $0.fileName, type: $0.ggufType, dimensions: $0.ggufDimensions) }
    if let tokenizer { list.append((Self.tokenizerName, .i8, [tokenizer.byteCount])) }
    return list
  }

  /// Parallel arrays, one element a tensor; 16 elements of the tables an int4 tensor.
  private var tensorMetadata: [(key: String, value: GGUFValue)] {
    let int4s = tensors.filter { $0.codec == .packed(.int4) }
    let isLinear = int4s.allSatisfy { $0.table == nil }
    let tables = isLinear ? [] : int4s.flatMap { $0.table ?? PackedCodec.linearInt4Table }
    return [
      (BundleKey.tensorNames, .array(GGUFArray(strings: tensors.map(\.fileName)))),
      (BundleKey.tensorCodecs, .array(GGUFArray(strings: tensors.map(\.codec.name)))),
      (BundleKey.tensorRows, .array(GGUFArray(uint64s: tensors.map { UInt64($0.rows) }))),
      (BundleKey.tensorColumns, .array(GGUFArray(uint64s: tensors.map { UInt64($0.columns) }))),
      (BundleKey.tensorChecksums, .array(GGUFArray(strings: tensors.map(\.sha256)))),
      (BundleKey.tensorTables, .array(GGUFArray(int8s: tables))),
    ]
  }
}

extension ModelConfiguration {
  fileprivate var metadata: [(key: String, value: GGUFValue)] {
    var list: [(key: String, value: GGUFValue)] = []
    func add(_ suffix: String, _ value: GGUFValue) { list.append(("\(architecture.name).\(suffix)", value)) }
    for (suffix, field) in integerFields { add(suffix, .uint32(UInt32(clamping: self[keyPath: field]))) }
    add("attention.value_length", .uint32(UInt32(clamping: headDim)))
    add("attention.layer_norm_rms_epsilon", .float32(normEpsilon))
    add("rope.freq_base", .float32(rope.theta))
    add("rope.dimension_count", .uint32(UInt32(clamping: headDim)))
    if let slidingWindow { add("attention.sliding_window", .uint32(UInt32(clamping: slidingWindow))) }
    list.append((BundleKey.tiedEmbeddings, .bool(tiesEmbeddings)))
    list.append((BundleKey.attentionScale, .float32(attentionScale)))
    list.append((BundleKey.embeddingScale, .float32(embeddingScale)))
    list.append((BundleKey.layerSlides, .array(GGUFArray(bools: layerSlides))))
    list += rope.metadata(BundleKey.rope)
    if let slidingRope { list += slidingRope.metadata(BundleKey.slidingRope) }
    return list
  }
}

extension RotaryEmbedding {
  fileprivate func metadata(_ keys: BundleKey.RopeKeys) -> [(key: String, value: GGUFValue)] {
    [
      (keys.theta, .float32(theta)),
      (keys.inverseFrequencies, .array(GGUFArray(float32s: inverseFrequencies))),
      (keys.magnitude, .float32(magnitude)),
    ]
  }
}
