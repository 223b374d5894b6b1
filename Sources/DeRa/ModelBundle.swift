import DeRaBundle
import DeRaDigest
import DeRaGGUF
import DeRaGrammar
import DeRaKernels
import DeRaModelSpec
import DeRaPlatform
import DeRaTensorCore
import DeRaTokenization
import DeRaTransformer
import Synchronization

/// An opened bundle: the file mapped read-only, its models as views into the mapping. Immutable; any number of sessions
/// in any thread may use it.
public final class ModelBundle: Sendable {
  package let manifest: BundleManifest
  /// nil when the checkpoints came without one; token ids still work.
  package let tokenizer: Tokenizer?
  package let decoder: Decoder
  private let file: GGUFFile
  /// The 16-entry tables of int4 tensors, which the decoder's matrices point to.
  private let tables: TableStore
  /// Made when the first constraint asks for it.
  private let vocabulary = Mutex<GrammarVocabulary?>(nil)

  /// Opens and validates a bundle; weights are not read.
  /// - Throws: `GGUFError`, `BundleError` or `TokenizerError`, saying what is wrong with the file.
  package init(mapping path: String) throws {
    let file = try GGUFFile.ofBundle(path)
    let manifest = try BundleManifest(file: file)
    let bytes = file.file.bytes
    file.file.preferHugePages()
    let tables = TableStore(manifest.tensors.compactMap(\.table))
    self.file = file
    self.manifest = manifest
    self.tables = tables
    tokenizer = try manifest.tokenizer.map {
      try Tokenizer(image: UnsafeRawBufferPointer(rebasing: bytes[$0.byteRange]), owner: file)
    }
    let vocabulary = manifest.configuration.vocabularySize
    if let id = tokenizer?.firstID(from: vocabulary) {
      throw BundleError.invalid(
        path: path, field: "the tokenizer", found: "one with the token \(id)", expected: "ids below \(vocabulary)")
    }
    let models = manifest.models.indices.map { ModelWeights(manifest, model: $0, bytes: bytes, tables: tables) }
    decoder = Decoder(configuration: manifest.configuration, models: models, activations: manifest.activations)
  }

  /// The texts of all tokens, for masks; nil without a tokenizer.
  var grammarVocabulary: GrammarVocabulary? {
    vocabulary.withLock { made in
      if made == nil, let tokenizer {
        made = GrammarVocabulary(size: configuration.vocabularySize) { tokenizer.addedText(of: $0) }
      }
      return made
    }
  }

  package var configuration: ModelConfiguration { manifest.configuration }
  /// The path of the mapped file.
  public var path: String { file.path }
  /// Bytes of the mapped file.
  public var mappedBytes: Int { file.file.bytes.count }

  /// Makes sure that nobody has written into the file since it was opened; asked before every answer.
  /// - Throws: `FileError.changed`.
  func checkUnchanged() throws(FileError) { try file.file.checkUnchanged() }

  /// Bytes of parts of the file that are in this process's memory; nil where the system does not tell.
  func residentBytes(of ranges: [Range<Int>]) -> Int? { file.file.residentBytes(of: ranges) }

  /// Recomputes every tensor's SHA-256.
  /// - Parameter progress: called with bytes done and bytes in all.
  /// - Throws: `ModelBundleError.checksum` naming the first tensor that differs.
  package func verify(progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws(ModelBundleError) {
    var parts = manifest.tensors.map { (name: $0.fileName, range: $0.byteRange, sha256: $0.sha256) }
    if let tokenizer = manifest.tokenizer {
      parts.append((BundleManifest.tokenizerName, tokenizer.byteRange, tokenizer.sha256))
    }
    let total = parts.reduce(0) { $0 + $1.range.count }
    var done = 0
    for part in parts {
      let bytes = UnsafeRawBufferPointer(rebasing: file.file.bytes[part.range])
      guard SHA256.hexadecimal(of: bytes) == part.sha256 else {
        throw .checksum(path: path, tensor: part.name)
      }
      done += part.range.count
      progress(done, total)
    }
  }
}

/// A bundle that parses but cannot be trusted.
package enum ModelBundleError: Error, Equatable, CustomStringConvertible {
  case checksum(path: String, tensor: String)

  package var description: String {
    switch self {
    case .checksum(let path, let tensor):
      "\(path): the bytes of tensor '\(tensor)' do not have the recorded SHA-256; the file is damaged, copy or convert it again"
    }
  }
}

/// Memory for int4 tables at addresses that do not move.
private final class TableStore: @unchecked Sendable {
  private let memory: UnsafeMutablePointer<Int8>
  private let offsets: [[Int8]: Int]

  init(_ tables: [[Int8]]) {
    let distinct = Set(tables).sorted { $0.lexicographicallyPrecedes($1) }
    memory = .allocate(capacity: max(distinct.count, 1) * 16)
    var offsets: [[Int8]: Int] = [:]
    for (index, table) in distinct.enumerated() {
      (memory + index * 16).initialize(from: table, count: 16)
      offsets[table] = index * 16
    }
    self.offsets = offsets
  }

  deinit { memory.deallocate() }

  func pointer(_ table: [Int8]?) -> UnsafePointer<Int8>? {
    table.flatMap { offsets[$0] }.map { UnsafePointer(memory + $0) }
  }
}

extension ModelWeights {
  /// The views of model number `model`. The manifest has been validated: every tensor of the inventory is there with the
  /// right codec, so a matrix that is missing is an error of this program.
  fileprivate init(_ manifest: BundleManifest, model: Int, bytes: UnsafeRawBufferPointer, tables: TableStore) {
    let memory = WeightMemory()
    func address(_ tensor: BundleTensor) -> UnsafeRawPointer {
      UnsafeRawPointer(bytes.baseAddress! + tensor.byteRange.lowerBound)
    }
    func packed(_ tensor: BundleTensor) -> PackedMatrix {
      guard let layout = tensor.layout else { preconditionFailure("the validated bundle has a vector for a matrix") }
      return PackedMatrix(layout: layout, bytes: address(tensor), table: tables.pointer(tensor.table))
    }
    func linear(_ name: String) -> Linear {
      guard let tensor = manifest.tensor(name, model: model) else {
        preconditionFailure("the validated bundle has no matrix '\(name)'")
      }
      let changes: [Linear.Change] =
        switch manifest.change(name, model: model).map(packed) {
        case .shared, .own: []
        case .delta(let delta): [Linear.Change(delta)]
        case .lowRank(let a, let b): [Linear.Change(b, a: a)]
        }
      return Linear(matrix: packed(tensor), changes: memory.store(changes))
    }
    func vector(_ name: String) -> UnsafePointer<Float>? {
      manifest.tensor(name, model: model).map { address($0).assumingMemoryBound(to: Float.self) }
    }
    guard let outputNorm = vector(ModelTensor.outputNorm.name) else {
      preconditionFailure("the validated bundle has no final norm")
    }
    self.init(
      embedding: linear(ModelTensor.embedding.name), output: linear(ModelTensor.output.name), outputNorm: outputNorm,
      layers: (0..<manifest.configuration.layers).map { layer in
        LayerWeights(linear: { linear($0.name(layer: layer)) }, vector: { vector($0.name(layer: layer)) })
      }, memory: memory)
  }
}
