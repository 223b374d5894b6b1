import DeRaModelSpec

extension Checkpoint {
  /// Whether `path` is an adapter, which `open(adapter:on:)` opens: the directory of a PEFT adapter or a GGUF file.
  package static func isAdapter(path: String) -> Bool { isPEFTAdapter(path) || isAdapter(gguf: path) }

  private static func isPEFTAdapter(_ path: String) -> Bool {
    CheckpointFile.exists("\(path)/\(AdapterConfig.fileName)")
  }

  /// A PEFT LoRA or DoRA adapter directory (`adapter_config.json`, `adapter_model.safetensors`) merged into `base`; what it
  /// does to each matrix is also in `updates`, where that is a low-rank change and nothing else.
  ///
  /// A GGUF LoRA adapter is taken the same way. Tensors the adapter leaves alone are the base's own sources. Everything but the weights stays the base's.
  /// - Throws: `CheckpointError` when the adapter is damaged, made for another base, or of a kind that is not supported.
  package static func open(adapter path: String, on base: Checkpoint) throws(CheckpointError) -> Checkpoint {
    if !isPEFTAdapter(path) { return try open(ggufAdapter: path, on: base) }
    let config = try AdapterConfig(path: "\(path)/\(AdapterConfig.fileName)")
    let weightsPath = "\(path)/adapter_model.safetensors"
    guard CheckpointFile.exists(weightsPath) else {
      throw CheckpointError(
        path: path, problem: "no adapter_model.safetensors",
        remedy: "Weights in other formats (.bin, .pt) must be saved as safetensors first.")
    }
    let adapter = Adapter(config: config, file: try Safetensors(path: weightsPath), base: base)
    var merged = base
    let parts = try adapter.partsByTensor()
    try adapter.merge(parts, into: &merged)
    merged.remarks = AdapterRemarks(config: config, base: base).all(
      modules: parts.keys.map { String($0.dropLast(".weight".count)) })
    merged.tags = ModelCard.tags(directory: path)
    merged.sources += [config.path, weightsPath]
    try AdapterText(directory: path, base: base).apply(to: &merged)
    merged.displayName = path.split(separator: "/").last.map(String.init) ?? path
    return merged
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

  /// How the key of each part ends; an embedding's matrices are stored the other way round.
  static let endings: [(text: String, part: WritableKeyPath<Parts, Safetensors.Entry?> & Sendable)] = [
    (".lora_A.weight", \.down), (".lora_B.weight", \.up), (".lora_embedding_A", \.down), (".lora_embedding_B", \.up),
    (".lora_magnitude_vector.weight", \.magnitude), (".lora_magnitude_vector", \.magnitude),
    (".base_layer.weight", \.whole), (".modules_to_save.weight", \.whole),
  ]

  func error(_ tensor: String, _ problem: String, expected: String? = nil, remedy: String? = nil) -> CheckpointError {
    CheckpointError(path: file.file.path, subject: tensor, problem: problem, expected: expected, remedy: remedy)
  }

  /// Gives a model that has the base's tensors those with the adapter's work in them, and its low-rank updates.
  func merge(_ partsByTensor: [String: Parts], into model: inout Checkpoint) throws(CheckpointError) {
    let specs = Dictionary(base.configuration.tensors.map { ($0.huggingFaceName, $0) }) { first, _ in first }
    for (name, parts) in partsByTensor.sorted(by: { $0.key < $1.key }) {
      if name == Self.output && base.configuration.tiesEmbeddings {
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
      let ending = Self.endings.first { key.hasSuffix($0.text) }
      let name = ending.map { key.dropLast($0.text.count) + ".weight" } ?? key
      let part = ending?.part ?? \.whole
      guard result[String(name), default: Parts()][keyPath: part] == nil else {
        throw error(entry.name, "a second tensor for the same part of \(name)")
      }
      result[String(name), default: Parts()][keyPath: part] = entry
    }
    guard !result.isEmpty else { throw CheckpointError(path: file.file.path, problem: "the adapter has no tensors") }
    return result
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
        update: LowRankUpdate(rank: rank, left: try transposed(down), right: try transposed(up), scale: scale))
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

  /// `[columns, rows]` of a matrix `[rows, columns]`.
  private func transposed(_ entry: Safetensors.Entry) throws(CheckpointError) -> [Float] {
    let tensor = try file.tensor(entry)
    let values = try tensor.readAll()
    let (rows, columns) = (tensor.rows, tensor.columns)
    return (0..<values.count).map { values[$0 % rows * columns + $0 / rows] }
  }
}

extension Adapter {
  private static let output = "lm_head.weight"
  private static let tiedRemedy =
    "Merge the adapter with PEFT, save the model with tie_word_embeddings false and convert that."

  /// In a tied model an update of the embedding alone would change the output matrix too, which training did not see.
  private func checkTiedEmbedding(
    _ parts: Parts, _ original: any TensorSource, _ merged: any TensorSource
  ) throws(CheckpointError) {
    if try haveEqualRows(original, merged) { return }
    let output = file[Self.keyPrefix + Self.output] ?? file[Self.keyPrefix + "lm_head.base_layer.weight"]
    if let output, parts.down == nil, try haveEqualRows(file.tensor(output), merged) { return }
    throw error(
      "embed_tokens", "the adapter changes the embedding, which the base model also uses as its output matrix",
      expected: "the same change of lm_head, or none", remedy: Self.tiedRemedy)
  }

  private func checkTiedOutput(_ parts: Parts) throws(CheckpointError) {
    guard let embedding = base.tensors["token_embd.weight"] else { return }
    if let whole = parts.whole, parts.down == nil {
      if try haveEqualRows(file.tensor(whole), embedding) { return }
      if let other = file[Self.keyPrefix + HFTensorNames.embedding],
        try haveEqualRows(file.tensor(whole), file.tensor(other))
      {
        return
      }
    }
    throw error(
      Self.output, "the adapter changes the output matrix, which the base model also uses as its embedding",
      expected: "the same change of embed_tokens, or none", remedy: Self.tiedRemedy)
  }
}
