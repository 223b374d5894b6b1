import DeRaJSON
import DeRaModelSpec

/// An adapter of mlx-lm: `adapters.safetensors` with `lora_a`, `lora_b` and for DoRA `m`, or whole tensors, named as in the
/// model; the scale is in `adapter_config.json`. y = W·x + scale · (x · a) · b, so a is `[columns, rank]` and b
/// `[rank, rows]`.
struct MLXAdapter {
  static let weightsName = "adapters.safetensors"

  /// The tensors of one module.
  private struct Parts {
    var a, b, magnitude, whole: SafetensorsTensor?
  }

  private let path: String
  private let configPath: String
  private let json: JSON
  private let file: Safetensors
  private let base: Checkpoint

  /// PEFT's weights have another name.
  static func isAdapter(_ path: String) -> Bool {
    CheckpointFile.exists("\(path)/\(weightsName)") && !CheckpointFile.exists("\(path)/adapter_model.safetensors")
  }

  /// - Throws: `CheckpointError` when a file is missing or damaged.
  init(path: String, base: Checkpoint) throws(CheckpointError) {
    self.path = path
    self.base = base
    configPath = "\(path)/\(AdapterConfig.fileName)"
    json = try CheckpointFile.json(configPath)
    file = try Safetensors(path: "\(path)/\(Self.weightsName)")
  }

  private func error(
    _ subject: String, _ problem: String, expected: String? = nil,
    remedy: String? = "The adapter was made for another base model, or its configuration is another adapter's."
  ) -> CheckpointError {
    CheckpointError(path: file.file.path, subject: subject, problem: problem, expected: expected, remedy: remedy)
  }

  /// - Throws: `CheckpointError` naming the tensor or field that does not fit.
  func merged() throws(CheckpointError) -> Checkpoint {
    let kind = json["fine_tune_type"]?.string ?? "lora"
    guard ["lora", "dora", "full"].contains(kind) else {
      throw CheckpointError(
        path: configPath, subject: "fine_tune_type", problem: "\"\(kind.prefix(40))\"", expected: "lora, dora or full",
        remedy: "Fuse the adapter with mlx_lm.fuse and convert the fused model.")
    }
    let scale = kind == "full" ? 1 : try scale()
    var model = base
    let specs = Dictionary(base.configuration.tensors.map { ($0.huggingFaceName, $0) }) { first, _ in first }
    let parts = try partsByTensor()
    guard !parts.isEmpty else { throw CheckpointError(path: file.file.path, problem: "the adapter has no tensors") }
    for (name, parts) in parts.sorted(by: { $0.key < $1.key }) {
      guard let spec = specs[name], let original = base.tensors[spec.name] else {
        throw error(name, "the base model has no such tensor")
      }
      if spec.role == .embedding && base.configuration.tiesEmbeddings {
        throw error(
          name, "the adapter changes the embedding, which the base model also uses as its output matrix",
          expected: "changes of other matrices",
          remedy: "Fuse the adapter with mlx_lm.fuse and convert the fused model.")
      }
      let merged = try mergedTensor(parts, spec, original, scale: scale, isDoRA: kind == "dora")
      model.tensors[spec.name] = merged
      if parts.whole == nil, parts.magnitude == nil, spec.role != .embedding {
        model.updates[spec.name] = (merged as? MergedTensor)?.update
      }
    }
    model.remarks = AdapterRemarks.otherBase(trainedOn: json["model"]?.string, found: base)
    model.takeNames(ofAdapter: path, files: [configPath, file.file.path])
    return model
  }

  private func scale() throws(CheckpointError) -> Float {
    let field = "lora_parameters.scale"
    guard let value = json["lora_parameters"]?["scale"]?.double, abs(value) <= 1e9 else {
      throw CheckpointError(
        path: configPath, subject: field, problem: json["lora_parameters"]?["scale"]?.summary ?? "missing",
        expected: "a number")
    }
    return Float(value)
  }

  /// Parts by Hugging Face's names of the tensors they change.
  private func partsByTensor() throws(CheckpointError) -> [String: Parts] {
    var result: [String: Parts] = [:]
    let inner = "language_model."
    for entry in file.entries {
      let key = entry.name.hasPrefix(inner) ? entry.name.dropFirst(inner.count) : Substring(entry.name)
      let module = key.lastIndex(of: ".").map { key[..<$0] } ?? key
      let tensor = try file.tensor(entry)
      switch key.dropFirst(module.count) {
      case ".lora_a": result["\(module).weight", default: Parts()].a = tensor
      case ".lora_b": result["\(module).weight", default: Parts()].b = tensor
      case ".m": result["\(module).weight", default: Parts()].magnitude = tensor
      default: result[String(key), default: Parts()].whole = tensor
      }
    }
    return result
  }

  private func mergedTensor(
    _ parts: Parts, _ spec: TensorSpec, _ original: any TensorSource, scale: Float, isDoRA: Bool
  ) throws(CheckpointError) -> any TensorSource {
    if let whole = parts.whole, parts.a == nil, parts.b == nil {
      return try source(for: spec, in: whole, of: base.configuration.architecture)
    }
    guard let a = parts.a, let b = parts.b, spec.role.isMatrix else {
      throw error(spec.huggingFaceName, "its counterpart is missing", expected: "both lora_a and lora_b of a matrix")
    }
    guard (parts.magnitude != nil) == isDoRA else {
      throw error(
        spec.huggingFaceName, "the magnitudes do not fit fine_tune_type", expected: "m in every module for dora")
    }
    let rank = a.columns
    let isTable = spec.role == .embedding
    try checkShape(a, [isTable ? spec.rows : spec.columns, rank])
    try checkShape(b, [rank, isTable ? spec.columns : spec.rows])
    guard (1...AdapterConfig.maximumRank).contains(rank) else { throw error(a.entry.name, "rank \(rank)") }
    let left = isTable ? try a.readAll() : try b.transposed()
    let right = isTable ? try b.readAll() : try a.transposed()
    var merged = MergedTensor(
      base: original, update: LowRankUpdate(rank: rank, left: left, right: right, scale: scale))
    if let magnitude = parts.magnitude {
      try checkShape(magnitude, [spec.rows])
      merged.magnitudes = try magnitude.readAll()
    }
    return merged
  }

  private func checkShape(_ tensor: SafetensorsTensor, _ shape: [Int]) throws(CheckpointError) {
    guard tensor.entry.shape == shape else {
      throw error(tensor.entry.name, "shape \(tensor.entry.shape)", expected: "\(shape) by the base model")
    }
  }
}
