import DeRaModelSpec
import DeRaTokenization

extension Checkpoint {
  /// Opens a Hugging Face model directory: `config.json`, safetensors, and where they exist `generation_config.json`,
  /// tokenizer files and chat template.
  /// - Throws: `CheckpointError` naming the file and what is wrong in it.
  static func open(directory: String) throws(CheckpointError) -> Checkpoint {
    let config = try HFConfig(path: "\(directory)/config.json")
    var configuration = try config.configuration()
    let files = try SafetensorsFiles(directory: directory)
    var remarks = config.remarks + files.remarks
    let names = try HFTensorNames(
      files: files, architecture: config.architecture, blockSize: try config.weightBlockSize())
    let tensors = try names.sources(for: &configuration, className: config.modelClass.name, &remarks)
    var tokenizer = try HuggingFaceTokenizer.read(directory: directory, remarks: &remarks)
    if let text = tokenizer?.leaveOutTokens(from: configuration.vocabularySize) {
      remarks.append(CheckpointRemark(.warning, text))
    }
    let ends = try endOfTextIDs(
      config, tokenizer, vocabularySize: configuration.vocabularySize, directory: directory, &remarks)
    var checkpoint = Checkpoint(
      configuration: configuration, tensors: tensors, tokenizer: tokenizer,
      chatTemplate: try HFChatTemplate.read(directory: directory, tokenizer: tokenizer),
      endOfTextIDs: ends,
      sources: [config.path] + files.paths + optionalFiles.map { "\(directory)/\($0)" }.filter(CheckpointFile.exists),
      displayName: directory.split(separator: "/").last.map(String.init) ?? directory)
    checkpoint.tags = ModelCard.tags(directory: directory)
    checkpoint.originName = config.json["_name_or_path"]?.string
    checkpoint.remarks = remarks
    checkpoint.addFiles(of: directory)
    return checkpoint
  }

  /// The files of a directory beside the model itself.
  private static let generationName = "generation_config.json"
  private static let optionalFiles =
    [generationName] + HuggingFaceTokenizer.fileNames
    + HFChatTemplate.fileNames.filter { !HuggingFaceTokenizer.fileNames.contains($0) }

  /// Ids that end an answer: those of `generation_config.json`, of `config.json` and of the tokenizer, in this order; where
  /// no file names one, the class's.
  private static func endOfTextIDs(
    _ config: HFConfig, _ tokenizer: TokenizerDefinition?, vocabularySize: Int, directory: String,
    _ remarks: inout [CheckpointRemark]
  ) throws(CheckpointError) -> [Int] {
    let field = "eos_token_id"
    let path = "\(directory)/\(generationName)"
    let generation = CheckpointFile.exists(path) ? try CheckpointFile.json(path)[field] ?? .null : .null
    let declared =
      try HFConfig.endOfTextIDs(generation, path: path, vocabularySize: vocabularySize, &remarks)
      + HFConfig.endOfTextIDs(
        config.json[field] ?? .null, path: config.path, vocabularySize: vocabularySize, &remarks)
      + [tokenizer?.eosID].compactMap { $0.map(Int.init) }
    var seen: Set<Int> = []
    let ids = declared.filter { $0 < vocabularySize && seen.insert($0).inserted }
    if !ids.isEmpty { return ids }
    let standard = try config.endOfTextIDs(vocabularySize: vocabularySize)
    if !standard.isEmpty {
      remarks.append(
        CheckpointRemark(
          .guessed,
          "an answer ends at token \(listed(standard.map(String.init))), by the default of "
            + "\(config.modelClass.name): no file names one"))
    }
    return standard
  }
}

/// Matches the tensors of safetensors files to the model's inventory.
struct HFTensorNames {
  /// Spellings of the leading `model.` of a name: models saved without their head, or inside a larger one.
  static let prefixes = ["model.", "", "language_model.model.", "model.language_model."]

  let files: SafetensorsFiles
  private let architecture: Architecture
  /// Rows and columns of the blocks that share a scale, by the configuration.
  private let blockSize: [Int]?
  private let prefix: String

  init(files: SafetensorsFiles, architecture: Architecture, blockSize: [Int]?) throws(CheckpointError) {
    self.files = files
    self.architecture = architecture
    self.blockSize = blockSize
    let stem = architecture.huggingFaceName(of: .embedding).dropFirst("model.".count)
    // A tied model may have been saved with its output matrix only.
    prefix = Self.prefixes.first { files.contains($0 + stem) } ?? "model."
  }

  /// The name in the files of a tensor that Hugging Face calls `name`.
  func fileName(_ name: String) -> String {
    if name.hasPrefix("model.") { return prefix + name.dropFirst("model.".count) }
    return prefix == "language_model.model." ? "language_model." + name : name
  }

  /// Every tensor of the inventory, by our names; the output matrix is untied when the files hold a different one.
  /// - Throws: `CheckpointError` naming the tensor that is missing, has another shape, or belongs to no known part.
  func sources(
    for configuration: inout ModelConfiguration, className: String, _ remarks: inout [CheckpointRemark]
  ) throws(CheckpointError) -> [String: any TensorSource] {
    let output = fileName(architecture.huggingFaceName(of: .output))
    let embedding = fileName(architecture.huggingFaceName(of: .embedding))
    var aliases: [String: String] = [:]
    if configuration.tiesEmbeddings && files.contains(output) {
      if !files.contains(embedding) {
        aliases[embedding] = output
      } else if try !haveEqualRows(files.tensor(embedding), files.tensor(output)) {
        configuration.tiesEmbeddings = false
      }
    }
    var sources: [String: any TensorSource] = [:]
    var known: Set<String> = [output]
    for spec in configuration.tensors {
      let name = fileName(spec.huggingFaceName)
      known.formUnion([name] + Self.scaleSuffixes.map { name + $0 })
      let tensor = try files.tensor(aliases[name] ?? name)
      sources[spec.name] = try source(
        for: spec, in: tensor, scales: try scales(of: tensor), blockSize: blockSize, of: configuration.architecture)
    }
    let others = files.names.filter { !known.contains($0) }
    let unused = others.filter { name in Self.unusedSuffixes.contains(where: name.hasSuffix) }
    if !unused.isEmpty { remarks.append(CheckpointRemark(.ignored, "tensors \(listed(unused))")) }
    if let unknown = others.first(where: { name in !Self.unusedSuffixes.contains(where: name.hasSuffix) }) {
      throw CheckpointError(
        path: files.paths.first ?? "", subject: unknown, problem: "the tensor is no part of \(className) as configured",
        remedy: "Leaving it out would change the model's answers; check that config.json belongs to these weights.")
    }
    return sources
  }
}

extension HFTensorNames {
  /// Endings, after the name of a matrix of 8-bit floats, of the factors that its numbers are multiplied by.
  private static let scaleSuffixes = ["_scale_inv", "_scale"]
  /// Endings of tensors that change nothing here: buffers that old versions of transformers saved, which are computed
  /// from the configuration, and scales of activations and caches, which the runtime codes in its own way.
  private static let unusedSuffixes = [
    "rotary_emb.inv_freq", ".input_scale", ".input_scale_ub", ".output_scale", ".activation_scale", ".q_scale",
    ".k_scale", ".v_scale",
  ]

  /// The scales of a tensor that has some.
  private func scales(of tensor: SafetensorsTensor) throws(CheckpointError) -> SafetensorsTensor? {
    let name = Self.scaleSuffixes.map { tensor.entry.name + $0 }.first(where: files.contains)
    return try name.map { name throws(CheckpointError) in try files.tensor(name) }
  }
}

/// One tensor in our convention.
/// - Throws: `CheckpointError` when the shape is not the inventory's, or scales do not fit it.
func source(
  for spec: TensorSpec, in tensor: SafetensorsTensor, scales: SafetensorsTensor? = nil, blockSize: [Int]? = nil,
  of architecture: Architecture
) throws(CheckpointError) -> any TensorSource {
  let expected = spec.role.isMatrix ? [spec.rows, spec.columns] : [spec.rows]
  guard tensor.entry.shape == expected else {
    throw CheckpointError(
      path: tensor.file.path, subject: tensor.entry.name, problem: "shape \(tensor.entry.shape)",
      expected: "\(expected) by the configuration", remedy: "The weights do not belong to this configuration.")
  }
  if let scales { return try ScaledTensor(tensor, scales: scales, blockSize: blockSize) }
  guard spec.role == .norm && architecture.huggingFaceNormsAreOffsetByOne else { return tensor }
  return OffsetTensor(base: tensor, offset: 1)
}

extension Checkpoint {
  /// Remarks on which files of a directory were read, and which were not.
  mutating func addFiles(of directory: String) {
    let read = Set(sources.map { $0.split(separator: "/").last.map(String.init) ?? $0 })
    let others = CheckpointFile.names(in: directory).filter { !read.contains($0) && !$0.hasPrefix(".") }
    remarks.append(CheckpointRemark(.read, listed(read.sorted(), limit: 12)))
    if !others.isEmpty { remarks.append(CheckpointRemark(.ignored, "files \(listed(others, limit: 12))")) }
  }
}
