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
    let names = try HFTensorNames(files: files)
    let tensors = try names.sources(for: &configuration, className: config.family.className)
    var remarks: [String] = []
    let tokenizer = try HuggingFaceTokenizer.read(directory: directory, remarks: &remarks)
    var ends = try endOfTextIDs(config, vocabularySize: configuration.vocabularySize, directory: directory)
    if let id = tokenizer?.eosID { ends.append(Int(id)) }
    var seen: Set<Int> = []
    var checkpoint = Checkpoint(
      configuration: configuration, tensors: tensors, tokenizer: tokenizer,
      chatTemplate: try HFChatTemplate.read(directory: directory, tokenizer: tokenizer),
      endOfTextIDs: ends.filter { $0 < configuration.vocabularySize && seen.insert($0).inserted },
      sources: [config.path] + files.paths + optionalFiles.map { "\(directory)/\($0)" }.filter(CheckpointFile.exists),
      displayName: directory.split(separator: "/").last.map(String.init) ?? directory)
    checkpoint.remarks = remarks
    checkpoint.tags = ModelCard.tags(directory: directory)
    checkpoint.originName = config.json["_name_or_path"]?.string
    return checkpoint
  }

  /// The files of a directory beside the model itself.
  private static let generationName = "generation_config.json"
  private static let optionalFiles =
    [generationName] + HuggingFaceTokenizer.fileNames
    + HFChatTemplate.fileNames.filter { !HuggingFaceTokenizer.fileNames.contains($0) }

  private static func endOfTextIDs(
    _ config: HFConfig, vocabularySize: Int, directory: String
  ) throws(CheckpointError) -> [Int] {
    let path = "\(directory)/\(generationName)"
    let ids = try config.endOfTextIDs(vocabularySize: vocabularySize)
    guard CheckpointFile.exists(path), let value = try CheckpointFile.json(path)["eos_token_id"] else { return ids }
    return try HFConfig.endOfTextIDs(value, path: path, vocabularySize: vocabularySize) + ids
  }
}

/// Matches the tensors of safetensors files to the model's inventory.
struct HFTensorNames {
  static let embedding = "model.embed_tokens.weight"
  /// Spellings of the leading `model.` of a name: models saved without their head, or inside a larger one.
  static let prefixes = ["model.", "", "language_model.model.", "model.language_model."]

  let files: SafetensorsFiles
  private let prefix: String

  init(files: SafetensorsFiles) throws(CheckpointError) {
    self.files = files
    let stem = Self.embedding.dropFirst("model.".count)
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
    for configuration: inout ModelConfiguration, className: String
  ) throws(CheckpointError) -> [String: any TensorSource] {
    let output = fileName("lm_head.weight")
    let embedding = fileName(Self.embedding)
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
      known.insert(name)
      sources[spec.name] = try source(
        for: spec, in: files.tensor(aliases[name] ?? name), of: configuration.architecture)
    }
    // Buffers that old versions of transformers saved; they are computed from the configuration.
    if let unknown = files.names.first(where: { !known.contains($0) && !$0.hasSuffix("rotary_emb.inv_freq") }) {
      throw CheckpointError(
        path: files.paths.first ?? "", subject: unknown, problem: "the tensor is no part of \(className) as configured",
        remedy: "Leaving it out would change the model's answers; check that config.json belongs to these weights.")
    }
    return sources
  }
}

/// One tensor in our convention.
/// - Throws: `CheckpointError` when the shape is not the inventory's.
func source(
  for spec: TensorSpec, in tensor: SafetensorsTensor, of architecture: Architecture
) throws(CheckpointError) -> any TensorSource {
  let expected = spec.role.isMatrix ? [spec.rows, spec.columns] : [spec.rows]
  guard tensor.entry.shape == expected else {
    throw CheckpointError(
      path: tensor.file.path, subject: tensor.entry.name, problem: "shape \(tensor.entry.shape)",
      expected: "\(expected) by the configuration", remedy: "The weights do not belong to this configuration.")
  }
  guard spec.role == .norm && architecture.huggingFaceNormsAreOffsetByOne else { return tensor }
  return OffsetTensor(base: tensor, offset: 1)
}
