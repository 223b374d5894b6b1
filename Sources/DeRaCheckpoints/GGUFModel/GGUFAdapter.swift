import DeRaGGUF
import DeRaModelSpec

extension Checkpoint {
  /// Whether `path` is a GGUF file that holds an adapter and no model.
  static func isAdapter(gguf path: String) -> Bool {
    guard GGUFFile.isGGUF(path: path), let file = try? GGUFFile(path: path) else { return false }
    return (try? file.stringIfPresent("general.type")) == "adapter"
  }

  /// A GGUF LoRA adapter (`general.type` adapter, `adapter.type` lora), as llama.cpp's convert_lora_to_gguf.py writes it,
  /// merged into `base`; its low-rank changes are also in `updates`.
  /// - Throws: `CheckpointError` naming the metadata key or tensor that is wrong or does not fit the base.
  static func open(ggufAdapter path: String, on base: Checkpoint) throws(CheckpointError) -> Checkpoint {
    let file = try checked { () throws(GGUFError) in try GGUFFile(path: path) }
    let adapter = GGUFAdapter(file: file, base: base)
    var merged = base
    try adapter.merge(into: &merged)
    merged.remarks = try adapter.remarks()
    merged.tags = []
    merged.sources.append(path)
    let name = path.split(separator: "/").last.map(String.init) ?? path
    merged.displayName = name.hasSuffix(".gguf") ? String(name.dropLast(".gguf".count)) : name
    return merged
  }
}

private struct GGUFAdapter {
  let file: GGUFFile
  let base: Checkpoint

  private static let suffixes = [".lora_a", ".lora_b"]

  func error(_ subject: String, _ problem: String, expected: String? = nil, remedy: String? = nil) -> CheckpointError {
    CheckpointError(path: file.path, subject: subject, problem: problem, expected: expected, remedy: remedy)
  }

  func merge(into model: inout Checkpoint) throws(CheckpointError) {
    let alpha = try checkHeader()
    let specs = Dictionary(base.configuration.tensors.map { ($0.name, $0) }) { first, _ in first }
    for tensor in file.tensors {
      guard let suffix = Self.suffixes.first(where: tensor.name.hasSuffix) else {
        throw error(
          tensor.name, "neither factor of a matrix", expected: "names that end in .lora_a or .lora_b",
          remedy: "Other changes than LoRA's are not supported; merge the adapter and convert the merged model.")
      }
      let name = String(tensor.name.dropLast(suffix.count))
      guard let spec = specs[name], let original = base.tensors[name] else {
        throw error(
          tensor.name, "the base model has no such tensor", remedy: "The adapter was made for another base model.")
      }
      guard let down = file.tensor(named: name + ".lora_a"), let up = file.tensor(named: name + ".lora_b") else {
        throw error(tensor.name, "its counterpart is missing", expected: "both .lora_a and .lora_b")
      }
      if suffix == ".lora_b" { continue }
      let update = try update(of: spec, down: down, up: up, alpha: alpha)
      model.tensors[name] = MergedTensor(base: original, update: update)
      model.updates[name] = update
    }
    guard !file.tensors.isEmpty else { throw CheckpointError(path: file.path, problem: "the adapter has no tensors") }
  }

  /// - Returns: α; what B·A is multiplied by is α/rank.
  private func checkHeader() throws(CheckpointError) -> Float {
    let kind = try checked { () throws(GGUFError) in try file.string("adapter.type") }
    guard kind == "lora" else {
      throw error("adapter.type", "\"\(kind.prefix(40))\"", expected: "lora: other adapters are not supported")
    }
    let architecture = try checked { () throws(GGUFError) in try file.string("general.architecture") }
    guard architecture == base.configuration.architecture.name else {
      throw error(
        "general.architecture", "\"\(architecture.prefix(40))\"",
        expected: "the base model's, \(base.configuration.architecture.name)",
        remedy: "The adapter was made for another base model.")
    }
    let alpha = try checked { () throws(GGUFError) in try file.float("adapter.lora.alpha") }
    guard alpha.isFinite, alpha.magnitude <= 1e9 else {
      throw error("adapter.lora.alpha", "\(alpha)", expected: "a number")
    }
    return alpha
  }

  /// The factors in our row order. In a file, `a` has the dimensions columns, rank, and `b` rank, rows; an embedding's are
  /// stored the other way round, its change being that of the table's transpose.
  private func update(
    of spec: TensorSpec, down: GGUFTensor, up: GGUFTensor, alpha: Float
  ) throws(CheckpointError) -> LowRankUpdate {
    guard spec.role.isMatrix, spec.role != .embedding else {
      throw error(
        down.name, "the change of \(spec.role == .embedding ? "an embedding" : "a vector")",
        expected: "changes of matrices",
        remedy: "Merge the adapter and convert the merged model.")
    }
    let rank = up.columns
    guard (1...AdapterConfig.maximumRank).contains(rank) else {
      throw error(up.name, "rank \(rank)", expected: "a rank of 1 to \(AdapterConfig.maximumRank)")
    }
    let right = try GGUFTensorSource(file: file, tensor: down, dimensions: [spec.columns, rank])
    var left: any TensorSource = try GGUFTensorSource(file: file, tensor: up, dimensions: [rank, spec.rows])
    if spec.isInterleaved(in: base.configuration.architecture.gguf) {
      left = HalfSplitRows(base: left, headDim: base.configuration.headDim)
    }
    // llama.cpp takes an α of zero as "no scale".
    let scale = alpha == 0 ? 1 : alpha / Float(rank)
    return LowRankUpdate(rank: rank, left: try left.readAll(), right: try right.readAll(), scale: scale)
  }

  func remarks() throws(CheckpointError) -> [CheckpointRemark] {
    let name = try checked { () throws(GGUFError) in try file.stringIfPresent("general.base_model.0.name") }
    return AdapterRemarks.otherBase(trainedOn: name, found: base)
  }
}
