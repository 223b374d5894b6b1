import DeRaBundle
import DeRaModelSpec
import FoundationEssentials

/// The storage of every tensor and its expected cost: for people and (encoded) for programs.
package struct PlanReport: Sendable, Equatable, Codable {
  /// The matrices of one role of one model that are stored in one way.
  package struct Class: Sendable, Equatable, Codable {
    package var model: String
    package var role: String
    /// A codec for the reference; `shared`, `sign`, `lowrank:8`, `own int8` … for aligned models.
    package var storage: String
    package var tensors: Int
    package var bytes: Int
    /// Bits for each weight of the whole matrices.
    package var bitsPerWeight: Double
  }

  /// The bytes of a layer or a role.
  package struct Part: Sendable, Equatable, Codable {
    package var name: String
    package var baseBytes: Int
    /// Bytes of what aligned models have instead or add.
    package var changeBytes: Int
  }

  package struct Tensor: Sendable, Equatable, Codable {
    package var name: String
    package var bytes: Int
    package var base: String
    /// One for each aligned model.
    package var changes: [String]
  }

  /// A KL that was measured on a text, against full precision.
  package struct Measurement: Sendable, Equatable, Codable {
    package var model: String
    package var lambda: Double
    /// Mean KL, nats, and its standard error.
    package var kl: Double
    package var error: Double

    package init(model: String, lambda: Double, kl: Double, error: Double) {
      self.model = model
      self.lambda = lambda
      self.kl = kl
      self.error = error
    }
  }

  /// A text that weights were to be rounded for, and what came of it on the part held out.
  package struct Calibration: Sendable, Equatable, Codable {
    package enum Rounding: String, Sendable, Codable {
      /// The divergence with error feedback, for the text.
      case calibrated
      case plain
    }

    /// Tokens that weights are rounded for.
    package var fittedTokens: Int
    /// Other tokens of the text, which everything is measured on.
    package var heldTokens: Int
    /// The reference's cross-entropy on these in full precision.
    package var bitsPerByte = 0.0
    /// The rounding of the bundle.
    package var rounding: Rounding
    /// Mean KL over what is measured, nats, with either rounding and the same storage; nil for one that was not tried.
    package var calibratedKL: Double?
    package var plainKL: Double?

    package init(fittedTokens: Int, heldTokens: Int, rounding: Rounding) {
      self.fittedTokens = fittedTokens
      self.heldTokens = heldTokens
      self.rounding = rounding
    }
  }

  package var outputBytes: Int
  package var goal: AllocationGoal?
  /// Mean KL expected over the ends of the λ range and the aligned models, nats.
  package var predictedKL: Double?
  package var measured: [Measurement] = []
  /// nil without a text.
  package var calibration: Calibration?
  package var classes: [Class]
  package var layers: [Part]
  package var roles: [Part]
  package var tensors: [Tensor]
  package var remarks: [ConversionRemark]
  /// The ways to store the matrix that was asked about.
  package var explanation: StorageExplanation?

  init(_ manifest: BundleManifest, outputBytes: Int, remarks: [ConversionRemark] = []) {
    self.outputBytes = outputBytes
    self.remarks = remarks
    let stored = manifest.configuration.tensors.map { StoredTensor($0, manifest) }
    let matrices = stored.filter(\.spec.role.isMatrix)
    classes = Self.classes(matrices, manifest.models)
    layers = Self.parts(stored, by: \.layer)
    roles = Self.parts(stored) { $0.spec.role.rawValue }
    tensors = matrices.map {
      Tensor(
        name: $0.spec.name, bytes: $0.baseBytes + $0.changeBytes, base: $0.storage[0],
        changes: Array($0.storage.dropFirst()))
    }
  }

  private static func classes(_ matrices: [StoredTensor], _ models: [String]) -> [Class] {
    models.indices.flatMap { model in
      TensorSpec.Role.allCases.flatMap { role -> [Class] in
        let members = matrices.filter { $0.spec.role == role }
        var order: [String] = []
        for member in members where !order.contains(member.storage[model]) { order.append(member.storage[model]) }
        return order.map { storage in
          let group = members.filter { $0.storage[model] == storage }
          let bytes = group.reduce(0) { $0 + $1.bytes[model] }
          let weights = group.reduce(0) { $0 + $1.spec.rows * $1.spec.columns }
          return Class(
            model: models[model], role: role.rawValue, storage: storage, tensors: group.count, bytes: bytes,
            bitsPerWeight: Double(bytes) * 8 / Double(max(1, weights)))
        }
      }
    }
  }

  private static func parts(_ stored: [StoredTensor], by name: (StoredTensor) -> String) -> [Part] {
    var order: [String] = []
    var parts: [String: Part] = [:]
    for tensor in stored {
      let name = name(tensor)
      if parts[name] == nil { order.append(name) }
      var part = parts[name] ?? Part(name: name, baseBytes: 0, changeBytes: 0)
      part.baseBytes += tensor.baseBytes
      part.changeBytes += tensor.changeBytes
      parts[name] = part
    }
    return order.compactMap { parts[$0] }
  }
}

/// A tensor of the inventory as all models have it.
private struct StoredTensor {
  let spec: TensorSpec
  /// `[models]`: how and in how many bytes.
  let storage: [String]
  let bytes: [Int]

  init(_ spec: TensorSpec, _ manifest: BundleManifest) {
    self.spec = spec
    let base = manifest.tensor(spec.name, model: 0)
    var storage = [base?.codec.name ?? ""]
    var bytes = [base?.byteCount ?? 0]
    for model in manifest.models.indices.dropFirst() {
      let change = manifest.change(spec.name, model: model)
      storage.append(Self.name(of: change))
      bytes.append(change.tensors.reduce(0) { $0 + $1.byteCount })
    }
    self.storage = storage
    self.bytes = bytes
  }

  var baseBytes: Int { bytes[0] }
  var changeBytes: Int { bytes.dropFirst().reduce(0, +) }

  /// `embedding`, `layer 3` or `output`.
  var layer: String {
    let words = spec.name.split(separator: ".")
    if words.count > 2, words[0] == "blk" { return "layer \(words[1])" }
    return spec.role == .embedding ? "embedding" : "output"
  }

  private static func name(of change: TensorChange<BundleTensor>) -> String {
    switch change {
    case .shared: DeltaStorage.shared.name
    case .own(let tensor): "\(DeltaStorage.own.name) \(tensor.codec.name)"
    case .delta(let tensor):
      if case .packed(let codec) = tensor.codec { DeltaStorage.packed(codec).name } else { tensor.codec.name }
    case .lowRank(let a, _): DeltaStorage.lowRank(a.rows).name
    }
  }
}
