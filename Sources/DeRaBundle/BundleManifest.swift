import DeRaModelSpec
import DeRaTensorCore

/// The contents of a bundle: everything in it but the weights themselves.
package struct BundleManifest: Sendable, Equatable {
  /// Version of the schema that this program writes and reads.
  package static let version = 1
  /// A bundle with more models is refused.
  package static let modelLimit = 64
  /// The tensor that holds the compiled tokenizer.
  package static let tokenizerName = "dera.tokenizer"

  /// Names of the models, the reference first.
  package var models: [String]
  /// Common to all models.
  package var configuration: ModelConfiguration
  /// Ids that end an answer, of any of the models.
  package var endOfTextIDs: [Int]
  /// How layers' matrices take their input, unless a user asks for another.
  package var activations: ActivationCoding
  /// The reference's Jinja chat template.
  package var chatTemplate: String?
  /// Where the bundle came from, a JSON object.
  package var provenance: String
  /// Tensors in the file's order, which is the order of use: every tensor of the reference, each followed by those that the
  /// aligned models have instead of it or add to it.
  package private(set) var tensors: [BundleTensor]
  /// The compiled tokenizer.
  package internal(set) var tokenizer: BundleTokenizer?
  private let index: [String: Int]

  /// - Parameter tensors: at least every tensor of the configuration for model 0, each name once.
  package init(
    models: [String], configuration: ModelConfiguration, endOfTextIDs: [Int],
    activations: ActivationCoding = .int8, chatTemplate: String? = nil, provenance: String, tensors: [BundleTensor],
    tokenizer: BundleTokenizer? = nil
  ) {
    self.models = models
    self.configuration = configuration
    self.endOfTextIDs = endOfTextIDs
    self.activations = activations
    self.chatTemplate = chatTemplate
    self.provenance = provenance
    self.tensors = tensors
    self.tokenizer = tokenizer
    index = Dictionary(tensors.enumerated().map { ($1.fileName, $0) }) { first, _ in first }
  }

  /// The whole tensor that model number `model` uses under an inventory name: its own or the reference's, which
  /// `change` may add to. A tied `output.weight` is the embedding table. nil when the models have no such tensor.
  package func tensor(_ name: String, model: Int) -> BundleTensor? {
    if case .own(let tensor) = change(name, model: model) { return tensor }
    return index[storedName(name)].map { tensors[$0] }
  }

  /// The change that model number `model` makes to the reference's tensor of that inventory name; none for the
  /// reference.
  package func change(_ name: String, model: Int) -> TensorChange<BundleTensor> {
    guard model > 0 else { return .shared }
    func part(_ suffix: String) -> BundleTensor? {
      index[BundleTensor.fileName(storedName(name), model: model, suffix)].map { tensors[$0] }
    }
    if let own = part("") { return .own(own) }
    if let delta = part(".delta") { return .delta(delta) }
    if let a = part(".lora_a"), let b = part(".lora_b") { return .lowRank(a: a, b: b) }
    return .shared
  }

  /// Every stored tensor that model number `model` reads for one of the inventory: its own, or the reference's and what
  /// is added to it.
  package func storedTensors(_ name: String, model: Int) -> [BundleTensor] {
    let change = change(name, model: model)
    let reference = change.usesReference ? tensor(name, model: 0) : nil
    return (reference.map { [$0] } ?? []) + change.tensors
  }

  private func storedName(_ name: String) -> String {
    name == ModelTensor.output.name && configuration.tiesEmbeddings ? ModelTensor.embedding.name : name
  }

  /// Sets the checksum of the tensor at `position` in `tensors`.
  package mutating func setChecksum(_ sha256: String, at position: Int) { tensors[position].sha256 = sha256 }
}

/// The compiled tokenizer of a bundle.
package struct BundleTokenizer: Sendable, Equatable {
  package let byteCount: Int
  /// Where its image lies in the file; empty before the file is written.
  package internal(set) var byteRange: Range<Int>
  /// SHA-256 of the image, 64 lower-case hexadecimal digits.
  package let sha256: String

  package init(byteCount: Int, sha256: String) {
    self.byteCount = byteCount
    self.sha256 = sha256
    byteRange = 0..<0
  }
}
