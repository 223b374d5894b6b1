import GGUF
import ModelSpec

/// What a bundle contains: everything in it but the weights themselves.
public struct BundleManifest: Sendable, Equatable {
  /// Version of the schema that this program writes and reads.
  public static let version = 1
  /// A bundle with more models is refused.
  public static let modelLimit = 64
  /// The tensor that holds the compiled tokenizer.
  package static let tokenizerName = "dera.tokenizer"

  /// Names of the models, the reference first.
  public var models: [String]
  /// Common to all models.
  public var configuration: ModelConfiguration
  /// Ids that end an answer, of any of the models.
  public var endOfTextIDs: [Int]
  /// The reference's Jinja chat template.
  public var chatTemplate: String?
  /// Where the bundle came from, a JSON object.
  public var provenance: String
  /// In the file's order, which is the order of use: every tensor of the reference, each followed by those of the
  /// aligned models that differ from it.
  public private(set) var tensors: [BundleTensor]
  /// The compiled tokenizer.
  public internal(set) var tokenizer: BundleTokenizer?
  private let index: [String: Int]

  /// - Parameter tensors: at least every tensor of the configuration for model 0, each name once.
  public init(
    models: [String], configuration: ModelConfiguration, endOfTextIDs: [Int], chatTemplate: String? = nil,
    provenance: String, tensors: [BundleTensor], tokenizer: BundleTokenizer? = nil
  ) {
    self.models = models
    self.configuration = configuration
    self.endOfTextIDs = endOfTextIDs
    self.chatTemplate = chatTemplate
    self.provenance = provenance
    self.tensors = tensors
    self.tokenizer = tokenizer
    index = Dictionary(tensors.enumerated().map { ($1.fileName, $0) }) { first, _ in first }
  }

  /// The tensor that model number `model` uses under an inventory name: its own or the reference's. A tied
  /// `output.weight` is the embedding table. nil when the models have no such tensor.
  public func tensor(_ name: String, model: Int) -> BundleTensor? {
    let name = name == "output.weight" && configuration.tiesEmbeddings ? "token_embd.weight" : name
    return (model > 0 ? index["a\(model).\(name)"] : nil).map { tensors[$0] } ?? index[name].map { tensors[$0] }
  }

  /// Sets the checksum of the tensor at `position` in `tensors`.
  public mutating func setChecksum(_ sha256: String, at position: Int) { tensors[position].sha256 = sha256 }
}

/// The compiled tokenizer of a bundle.
public struct BundleTokenizer: Sendable, Equatable {
  public let byteCount: Int
  /// Where its image lies in the file; empty before the file is written.
  public internal(set) var byteRange: Range<Int>
  /// SHA-256 of the image, 64 lower-case hexadecimal digits.
  public let sha256: String

  public init(byteCount: Int, sha256: String) {
    self.byteCount = byteCount
    self.sha256 = sha256
    byteRange = 0..<0
  }
}
