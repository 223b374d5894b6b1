import DeRaBundle
import DeRaModelSpec
import DeRaTensorCore

extension BundleManifest {
  /// A manifest of a reference with all its tensors and of aligned models.
  /// - Parameters:
  ///   - codec: the codec of a matrix; vectors are f32.
  ///   - table: the code table of int4 matrices.
  ///   - added: tensors that the aligned models store, given one of the reference's.
  package static func tiny(
    _ models: [String], _ configuration: ModelConfiguration, endOfTextIDs: [Int], chatTemplate: String? = nil,
    tokenizer: BundleTokenizer? = nil, codec: (TensorSpec) -> PackedCodec, table: [Int8]? = nil,
    added: (BundleTensor) throws -> [BundleTensor]
  ) throws -> BundleManifest {
    var tensors: [BundleTensor] = []
    for spec in configuration.tensors {
      let codec: BundleCodec = spec.role.isMatrix ? .packed(codec(spec)) : .f32
      let table = codec == .packed(.int4) ? table : nil
      let tensor = try BundleTensor(spec: spec, model: 0, codec: codec, table: table)
      tensors.append(tensor)
      tensors += try added(tensor)
    }
    return BundleManifest(
      models: models, configuration: configuration, endOfTextIDs: endOfTextIDs, chatTemplate: chatTemplate,
      provenance: "{}", tensors: tensors, tokenizer: tokenizer)
  }
}

extension BundleTensor {
  /// The same tensor as an aligned model's own.
  package func of(model: Int) throws -> BundleTensor {
    try BundleTensor(spec: spec, model: model, codec: codec, table: table)
  }
}
