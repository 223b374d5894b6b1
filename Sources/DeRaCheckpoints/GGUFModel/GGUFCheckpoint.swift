import DeRaGGUF
import DeRaModelSpec

extension Checkpoint {
  /// Metadata keys of ids that end an answer.
  private static let endOfTextKeys = ["eos_token_id", "eot_token_id", "eom_token_id"].map { "tokenizer.ggml.\($0)" }
  private static let otherTokenKeys = ["bos_token_id", "padding_token_id", "unknown_token_id"].map {
    "tokenizer.ggml.\($0)"
  }

  /// Opens a GGUF model: configuration, tensors, tokenizer, chat template and end-of-text ids.
  /// - Throws: `CheckpointError` naming the byte, metadata key or tensor that is wrong.
  static func open(gguf path: String) throws(CheckpointError) -> Checkpoint {
    let file = try checked { () throws(GGUFError) in try GGUFFile(path: path) }
    let reader = try GGUFConfiguration(file: file)
    let configuration = try reader.configuration()
    let name = path.split(separator: "/").last.map(String.init) ?? path
    var remarks = [CheckpointRemark(.read, name)] + reader.remarks
    var tokenizer = try GGUFTokenizer.read(file)
    if let text = tokenizer?.leaveOutTokens(from: configuration.vocabularySize) {
      remarks.append(CheckpointRemark(.warning, text))
    }
    var checkpoint = Checkpoint(
      configuration: configuration, tensors: try tensors(of: configuration, in: file), tokenizer: tokenizer,
      chatTemplate: try checked { () throws(GGUFError) in try file.stringIfPresent("tokenizer.chat_template") },
      endOfTextIDs: try endOfTextIDs(file, vocabularySize: configuration.vocabularySize, &remarks), sources: [path],
      displayName: name.hasSuffix(".gguf") ? String(name.dropLast(".gguf".count)) : name)
    checkpoint.originName = try checked { () throws(GGUFError) in try file.stringIfPresent("general.name") }
    checkpoint.remarks = remarks
    return checkpoint
  }

  /// Every tensor of the inventory; a tensor outside it is an error, since leaving it out would change the model.
  private static func tensors(
    of configuration: ModelConfiguration, in file: GGUFFile
  ) throws(CheckpointError) -> [String: any TensorSource] {
    var sources: [String: any TensorSource] = [:]
    for spec in configuration.tensors {
      guard let tensor = file.tensor(named: spec.name) else {
        throw CheckpointError(
          path: file.path, subject: spec.name, problem: "the tensor is missing",
          remedy: "Convert the model again with a current converter.")
      }
      let dimensions = spec.role.isMatrix ? [spec.columns, spec.rows] : [spec.rows]
      let source = try GGUFTensorSource(file: file, tensor: tensor, dimensions: dimensions)
      let isInterleaved = spec.isInterleaved(in: configuration.architecture.gguf)
      sources[spec.name] = isInterleaved ? HalfSplitRows(base: source, headDim: configuration.headDim) : source
    }
    let unknown = file.tensors.first { sources[$0.name] == nil && $0.name != GGUFConfiguration.frequencyFactors }
    if let unknown {
      throw CheckpointError(
        path: file.path, subject: unknown.name,
        problem: "the tensor is no part of \(configuration.architecture.name) as we know it",
        remedy: "Leaving it out would change the model's answers; use a model without it.")
    }
    return sources
  }

  /// Ids outside the vocabulary cannot occur; −1 and 2³² − 1 are converters' words for none.
  private static func endOfTextIDs(
    _ file: GGUFFile, vocabularySize: Int, _ remarks: inout [CheckpointRemark]
  ) throws(CheckpointError) -> [Int] {
    var ids: [Int] = []
    for key in endOfTextKeys + otherTokenKeys {
      guard let id = try checked({ () throws(GGUFError) in try file.intIfPresent(key) }) else { continue }
      if id == -1 || id == Int(UInt32.max) { continue }
      if id < 0 || id >= vocabularySize {
        remarks.append(CheckpointRemark(.ignored, "\(key) \(id): the vocabulary has \(vocabularySize) tokens"))
      } else if endOfTextKeys.contains(key), !ids.contains(id) {
        ids.append(id)
      }
    }
    return ids
  }
}

extension TensorSpec {
  /// Whether its rows are in the order that `HalfSplitRows` undoes.
  func isInterleaved(in files: GGUFFacts) -> Bool { files.interleavesQueryKeyRows && tensor.isRotated }
}

/// Runs `body`, turning its errors into `CheckpointError`.
func checked<Value>(_ body: () throws(GGUFError) -> Value) throws(CheckpointError) -> Value {
  do throws(GGUFError) {
    return try body()
  } catch {
    throw CheckpointError(error)
  }
}

extension CheckpointError {
  init(_ error: GGUFError) {
    let remedy = "Convert the model again with a current converter."
    switch error {
    case .file(let error):
      self.init(path: error.path, problem: "\(error)")
    case .malformed(let path, let offset, let kind, let found, let expected):
      self.init(
        path: path, subject: "byte \(offset)", problem: "\(kind.rawValue), found \(found)", expected: expected,
        remedy: kind.remedy)
    case .missing(let path, let key):
      self.init(path: path, subject: key, problem: "the metadata key is missing", remedy: remedy)
    case .wrongValue(let path, let key, let found, let expected):
      self.init(path: path, subject: key, problem: found, expected: expected, remedy: remedy)
    case .unwritable(let reason):
      self.init(path: "", problem: reason)
    }
  }
}
