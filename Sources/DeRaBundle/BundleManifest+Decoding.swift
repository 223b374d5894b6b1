import DeRaGGUF
import DeRaModelSpec
import DeRaTensorCore

extension BundleManifest {
  /// Reads and validates the manifest of a bundle: afterwards every tensor that a model may ask for is there, with the
  /// shape, codec and bytes that the configuration demands. The weights themselves are not touched.
  ///
  /// - Throws: `BundleError`.
  package init(file: GGUFFile) throws(BundleError) {
    let reader = BundleReader(file: file)
    try reader.checkVersion()
    let configuration = try reader.configuration()
    let models = try reader.models()
    let tensors = try reader.tensors(configuration, models: models.count)
    self.init(
      models: models, configuration: configuration,
      endOfTextIDs: try reader.endOfTextIDs(vocabularySize: configuration.vocabularySize),
      activations: try reader.activations(),
      chatTemplate: try reader.get { (file) throws(GGUFError) in try file.stringIfPresent(BundleKey.chatTemplate) },
      provenance: try reader.get { (file) throws(GGUFError) in try file.string(BundleKey.provenance) },
      tensors: tensors, tokenizer: try reader.tokenizer())
  }
}

/// Fields of a bundle's metadata, each checked.
struct BundleReader {
  let file: GGUFFile

  func get<Value>(_ read: (GGUFFile) throws(GGUFError) -> Value) throws(BundleError) -> Value {
    do throws(GGUFError) { return try read(file) } catch { throw .gguf(error) }
  }

  func invalid(_ field: String, _ found: String, _ expected: String) -> BundleError {
    .invalid(path: file.path, field: field, found: found, expected: expected)
  }

  func checkVersion() throws(BundleError) {
    guard file[BundleKey.version] != nil else {
      let isAdapter = if case .string("adapter")? = file["general.type"] { true } else { false }
      throw .notABundle(path: file.path, isAdapter ? .adapter : .ggufModel)
    }
    let version = try get { (file) throws(GGUFError) in try file.int(BundleKey.version) }
    guard version == BundleManifest.version else { throw .unsupportedVersion(path: file.path, found: version) }
  }

  func models() throws(BundleError) -> [String] {
    let models = try strings(BundleKey.models)
    guard (1...BundleManifest.modelLimit).contains(models.count) else {
      throw invalid(BundleKey.models, "\(models.count) names", "1 to \(BundleManifest.modelLimit) names")
    }
    guard Set(models).count == models.count else {
      throw invalid(BundleKey.models, models.joined(separator: ", "), "names that all differ")
    }
    for name in models where !ModelName.isValid(name) {
      throw invalid(BundleKey.models, "\"\(name)\"", ModelName.rule)
    }
    return models
  }

  func endOfTextIDs(vocabularySize: Int) throws(BundleError) -> [Int] {
    let array = try get { (file) throws(GGUFError) in try file.array(BundleKey.endOfTextIDs, of: .int32) }
    let ids = (array.int32s ?? []).map(Int.init)
    for id in ids where !(0..<vocabularySize).contains(id) {
      throw invalid(BundleKey.endOfTextIDs, "\(id)", "ids in 0..<\(vocabularySize)")
    }
    return ids
  }

  func activations() throws(BundleError) -> ActivationCoding {
    let name = try get { (file) throws(GGUFError) in try file.stringIfPresent(BundleKey.activations) }
    guard let name else { return .int8 }
    guard let coding = ActivationCoding(rawValue: name) else {
      throw invalid(BundleKey.activations, "\"\(name.prefix(20))\"", ActivationCoding.rule)
    }
    return coding
  }

  func tokenizer() throws(BundleError) -> BundleTokenizer? {
    guard let tensor = file.tensor(named: BundleManifest.tokenizerName) else { return nil }
    guard tensor.type == .i8, tensor.dimensions.count == 1 else {
      throw invalid(tensor.name, "\(tensor.type.name) \(tensor.dimensions)", "one dimension of I8")
    }
    let checksum = try get { (file) throws(GGUFError) in try file.string(BundleKey.tokenizerChecksum) }
    guard Self.isChecksum(checksum) else {
      throw invalid(BundleKey.tokenizerChecksum, "\"\(checksum.prefix(70))\"", "64 lower-case hexadecimal digits")
    }
    var tokenizer = BundleTokenizer(byteCount: tensor.byteRange.count, sha256: checksum)
    tokenizer.byteRange = tensor.byteRange
    return tokenizer
  }

  func strings(_ key: String) throws(BundleError) -> [String] {
    try get { (file) throws(GGUFError) in try file.array(key, of: .string) }.strings ?? []
  }

  static func isChecksum(_ text: String) -> Bool {
    text.utf8.count == 64 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }
}
