import DeRaModelSpec

extension Checkpoint {
  /// Whether `path` is an adapter, which `open(adapter:on:)` opens: the directory of a PEFT or mlx-lm adapter, or a GGUF
  /// file.
  package static func isAdapter(path: String) -> Bool {
    isPEFTAdapter(path) || MLXAdapter.isAdapter(path) || isAdapter(gguf: path)
  }

  private static func isPEFTAdapter(_ path: String) -> Bool {
    CheckpointFile.exists("\(path)/\(AdapterConfig.fileName)")
  }

  /// An adapter merged into `base`: a PEFT LoRA or DoRA directory (`adapter_config.json`, `adapter_model.safetensors`), one
  /// of mlx-lm (`adapters.safetensors`), or a GGUF LoRA adapter. What it does to each matrix is also in `updates`, where
  /// that is a low-rank change and nothing else.
  ///
  /// Tensors the adapter leaves alone are the base's own sources. Everything but the weights stays the base's.
  /// - Throws: `CheckpointError` when the adapter is damaged, made for another base, or of a kind that is not supported.
  package static func open(adapter path: String, on base: Checkpoint) throws(CheckpointError) -> Checkpoint {
    if MLXAdapter.isAdapter(path) { return try MLXAdapter(path: path, base: base).merged() }
    if !isPEFTAdapter(path) { return try open(ggufAdapter: path, on: base) }
    let config = try AdapterConfig(path: "\(path)/\(AdapterConfig.fileName)")
    let weightsPath = "\(path)/adapter_model.safetensors"
    guard CheckpointFile.exists(weightsPath) else {
      throw CheckpointError(
        path: path, problem: "no adapter_model.safetensors",
        remedy: "Weights in other formats (.bin, .pt) must be saved as safetensors first.")
    }
    let adapter = Adapter(config: config, file: try Safetensors(path: weightsPath), base: base)
    let parts = try adapter.partsByTensor()
    var merged = base
    merged.configuration.vocabularySize = try adapter.vocabularySize(parts)
    try adapter.merge(parts, into: &merged)
    let rows = merged.configuration.vocabularySize
    let isResized = rows != base.configuration.vocabularySize
    let modules = parts.keys.filter { !isResized || ![adapter.embedding, adapter.output].contains($0) }
    merged.remarks = try AdapterRemarks(config: config, base: base).all(
      modules: modules.map { String($0.dropLast(".weight".count)) }, rows: rows)
    let texts = try AdapterText(directory: path, base: base).apply(to: &merged)
    merged.takeNames(ofAdapter: path, files: [config.path, weightsPath] + texts)
    return merged
  }

  /// Name, tags and files of an adapter's directory.
  mutating func takeNames(ofAdapter path: String, files: [String]) {
    tags = ModelCard.tags(directory: path)
    let base = sources
    sources = files
    addFiles(of: path)
    sources = base + files
    displayName = path.split(separator: "/").last.map(String.init) ?? path
  }
}

/// The tensors of an adapter and the base model they go into.
private struct Adapter {
  static let keyPrefix = "base_model.model."

  let config: AdapterConfig
  let file: Safetensors
  let base: Checkpoint

  /// The tensors of an adapter for one module of the base model.
  struct Parts {
    var down, up, magnitude: Safetensors.Entry?
    /// Replaces the base's whole tensor.
    var whole: Safetensors.Entry?

    var isOnlyLowRank: Bool { magnitude == nil && whole == nil }
  }

  /// The word in a key that tells each part; behind it may stand the adapter's name, as in `lora_A.default.weight`. An
  /// embedding's matrices are stored the other way round.
  static let words: [String: WritableKeyPath<Parts, Safetensors.Entry?> & Sendable] = [
    "lora_A": \.down, "lora_B": \.up, "lora_embedding_A": \.down, "lora_embedding_B": \.up,
    "lora_magnitude_vector": \.magnitude, "base_layer": \.whole, "modules_to_save": \.whole,
  ]

  /// The tensor that a key without its prefix changes, and the part of the change it holds.
  static func meaning(of key: Substring) -> (
    tensor: String, part: WritableKeyPath<Parts, Safetensors.Entry?> & Sendable
  ) {
    let steps = key.split(separator: ".", omittingEmptySubsequences: false)
    guard let place = steps.lastIndex(where: { words[String($0)] != nil }), let part = words[String(steps[place])],
      steps.count - place <= 3
    else { return (String(key), \.whole) }
    let kind = steps.last == "bias" ? "bias" : "weight"
    return ((steps[..<place] + [Substring(kind)]).joined(separator: "."), part)
  }

  func error(_ tensor: String, _ problem: String, expected: String? = nil, remedy: String? = nil) -> CheckpointError {
    CheckpointError(path: file.file.path, subject: tensor, problem: problem, expected: expected, remedy: remedy)
  }

  /// Gives a model that has the base's tensors those with the adapter's work in them, and its low-rank updates.
  func merge(_ partsByTensor: [String: Parts], into model: inout Checkpoint) throws(CheckpointError) {
    let specs = Dictionary(model.configuration.tensors.map { ($0.huggingFaceName, $0) }) { first, _ in first }
    for (name, parts) in partsByTensor.sorted(by: { $0.key < $1.key }) {
      if name == output && base.configuration.tiesEmbeddings {
        try checkTiedOutput(parts)
        continue
      }
      guard let spec = specs[name], let original = base.tensors[spec.name] else {
        throw error(
          name, "the base model has no such tensor", remedy: "The adapter was made for another base model.")
      }
      let merged = try mergedTensor(parts, spec: spec, original: original)
      if spec.role == .embedding && base.configuration.tiesEmbeddings {
        try checkTiedEmbedding(parts, original, merged)
      }
      model.tensors[spec.name] = merged
      if parts.isOnlyLowRank, spec.role != .embedding { model.updates[spec.name] = (merged as? MergedTensor)?.update }
    }
  }

  /// Hugging Face's names of the tensors to change, with what the adapter has for each.
  func partsByTensor() throws(CheckpointError) -> [String: Parts] {
    var result: [String: Parts] = [:]
    for entry in file.entries {
      guard entry.name.hasPrefix(Self.keyPrefix) else {
        throw error(entry.name, "an unknown key", expected: "keys that start with \(Self.keyPrefix)")
      }
      let key = entry.name.dropFirst(Self.keyPrefix.count)
      let (name, part) = Self.meaning(of: key)
      guard result[name, default: Parts()][keyPath: part] == nil else {
        throw error(entry.name, "a second tensor for the same part of \(name)")
      }
      result[name, default: Parts()][keyPath: part] = entry
    }
    guard !result.isEmpty else { throw CheckpointError(path: file.file.path, problem: "the adapter has no tensors") }
    return result
  }

  /// Rows of the embedding table with the adapter. Training with new tokens resizes the table, and the adapter then holds
  /// all of it.
  /// - Throws: `CheckpointError` when only one of embedding and output matrix is resized.
  func vocabularySize(_ partsByTensor: [String: Parts]) throws(CheckpointError) -> Int {
    let usual = base.configuration.vocabularySize
    func rows(_ name: String) -> (rows: Int, entry: Safetensors.Entry)? {
      guard let entry = partsByTensor[name]?.whole, entry.shape.count == 2,
        entry.shape[1] == base.configuration.hiddenSize, (1...HFConfig.maximumSize).contains(entry.shape[0])
      else { return nil }
      return (entry.shape[0], entry)
    }
    let (table, head) = (rows(embedding), rows(output))
    guard let changed = [table, head].compactMap({ $0 }).first(where: { $0.rows != usual }) else { return usual }
    let other = base.configuration.tiesEmbeddings ? head?.rows ?? table?.rows ?? usual : head?.rows ?? usual
    guard let table, table.rows == other else {
      throw error(
        changed.entry.name, "shape \(changed.entry.shape)",
        expected: "as many rows in \(embedding) as in \(output), and \(usual) where only one is in the adapter",
        remedy: "Merge the adapter with PEFT and convert the merged model.")
    }
    return table.rows
  }

  private func mergedTensor(
    _ parts: Parts, spec: TensorSpec, original: any TensorSource
  ) throws(CheckpointError) -> any TensorSource {
    var tensor = original
    if let whole = parts.whole {
      tensor = try source(for: spec, in: file.tensor(whole), of: base.configuration.architecture)
    }
    guard let down = parts.down, let up = parts.up else {
      if let lone = parts.down ?? parts.up ?? parts.magnitude {
        throw error(lone.name, "its counterpart is missing", expected: "both lora_A and lora_B")
      }
      return tensor
    }
    let (rank, scale) = try config.update(of: String(spec.huggingFaceName.dropLast(".weight".count)))
    var merged: MergedTensor
    if spec.role == .embedding {
      try checkShape(down, [rank, spec.rows])
      try checkShape(up, [spec.columns, rank])
      merged = MergedTensor(
        base: tensor,
        update: LowRankUpdate(
          rank: rank, left: try file.tensor(down).transposed(), right: try file.tensor(up).transposed(), scale: scale))
    } else {
      try checkShape(down, [rank, spec.columns])
      try checkShape(up, [spec.rows, rank])
      let (left, right) = (try file.tensor(up).readAll(), try file.tensor(down).readAll())
      merged = MergedTensor(base: tensor, update: LowRankUpdate(rank: rank, left: left, right: right, scale: scale))
    }
    merged.magnitudes = try magnitudes(parts.magnitude, spec: spec, update: up)
    return merged
  }

  private func magnitudes(
    _ entry: Safetensors.Entry?, spec: TensorSpec, update: Safetensors.Entry
  ) throws(CheckpointError) -> [Float]? {
    guard config.usesDoRA == (entry != nil) else {
      throw error(
        update.name, config.usesDoRA ? "no lora_magnitude_vector" : "a lora_magnitude_vector",
        expected: "one in every module if use_dora is true, otherwise none")
    }
    guard let entry else { return nil }
    guard spec.role != .embedding else {
      throw error(
        entry.name, "DoRA of an embedding is not supported",
        remedy: "Merge the adapter with PEFT and convert the merged model.")
    }
    try checkShape(entry, [spec.rows])
    return try file.tensor(entry).readAll()
  }

  private func checkShape(_ entry: Safetensors.Entry, _ shape: [Int]) throws(CheckpointError) {
    guard entry.shape == shape else {
      throw error(
        entry.name, "shape \(entry.shape)", expected: "\(shape) by the base model and \(AdapterConfig.fileName)",
        remedy: "The adapter was made for another base model, or its configuration is another adapter's.")
    }
  }
}

extension SafetensorsTensor {
  /// `[columns, rows]`
  func transposed() throws(CheckpointError) -> [Float] {
    let values = try readAll()
    return (0..<values.count).map { values[$0 % rows * columns + $0 / rows] }
  }
}

extension Adapter {
  fileprivate var output: String { base.configuration.architecture.huggingFaceName(of: .output) }
  fileprivate var embedding: String { base.configuration.architecture.huggingFaceName(of: .embedding) }
  private static let tiedRemedy =
    "Merge the adapter with PEFT, save the model with tie_word_embeddings false and convert that."

  /// An update of the embedding alone would change a tied output matrix too, which training did not see.
  private func checkTiedEmbedding(
    _ parts: Parts, _ original: any TensorSource, _ merged: any TensorSource
  ) throws(CheckpointError) {
    if try haveEqualRows(original, merged) { return }
    let output =
      file[Self.keyPrefix + output] ?? file[Self.keyPrefix + output.dropLast(".weight".count) + ".base_layer.weight"]
    if let output, parts.down == nil, try haveEqualRows(file.tensor(output), merged) { return }
    // A table that was resized was tied again.
    if output == nil, merged.rows != original.rows { return }
    throw error(
      "embed_tokens", "the adapter changes the embedding, which the base model also uses as its output matrix",
      expected: "the same change of lm_head, or none", remedy: Self.tiedRemedy)
  }

  private func checkTiedOutput(_ parts: Parts) throws(CheckpointError) {
    guard let table = base.tensors[ModelTensor.embedding.name] else { return }
    if let whole = parts.whole, parts.down == nil {
      if try haveEqualRows(file.tensor(whole), table) { return }
      if let other = file[Self.keyPrefix + embedding],
        try haveEqualRows(file.tensor(whole), file.tensor(other))
      {
        return
      }
    }
    throw error(
      output, "the adapter changes the output matrix, which the base model also uses as its embedding",
      expected: "the same change of embed_tokens, or none", remedy: Self.tiedRemedy)
  }
}
