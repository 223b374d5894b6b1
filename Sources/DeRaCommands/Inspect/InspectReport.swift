import DeRa
import DeRaBundle
import DeRaModelSpec

/// The report of `dera inspect`; `--json` prints it as it is.
package struct InspectReport: Encodable {
  package struct Configuration: Encodable {
    package var architecture: String
    package var layers, hiddenSize, heads, kvHeads, headDim, feedForwardSize, vocabularySize, contextLength: Int
    package var slidingWindow: Int?
    package var tiesEmbeddings: Bool
    package var hasTokenizer, hasChatTemplate: Bool
    package var endOfTextIds: [Int]
    /// How matrices take their input.
    package var activations: String
  }

  /// One model of the bundle.
  package struct Model: Encodable {
    package var name: String
    package var ownTensors, changedTensors, sharedTensors, ownBytes, sharedBytes, weights: Int
    /// Keys and values of one sequence; 0 for a model that is not run on its own because weights are blended.
    package var kvBytes: Int
    package var bitsPerWeight: Double
  }

  /// One kind of tensors, all models together.
  package struct Part: Encodable {
    package var name: String
    package var codecs: [String]
    /// Weights that are stored; those that models share count once.
    package var weights: Int
    package var bytes: Int
    /// Bytes stored once and used by more than one model.
    package var sharedBytes: Int
    package var bitsPerWeight: Double
  }

  /// A stretch of the file's memory map.
  package struct Region: Encodable, Equatable {
    package var name: String
    package var bytes: Int
  }

  /// The memory that running takes.
  package struct Forecast: Encodable {
    package var context, sequences: Int
    /// How keys and values are held.
    package var kvCodec: String
    package var blend: Blend
    package var mappedBytes: Int
    /// Most bytes of the mapped file that are in memory.
    package var residentBytes: Int
    package var kvBytesPerSequence, scratchBytesPerSequence: Int
    /// The program itself.
    package var programBytes: Int
    /// Everything; `--memory-limit` is compared with it.
    package var totalBytes: Int
  }

  package var path: String
  package var fileBytes: Int
  package var configuration: Configuration
  package var models: [Model]
  package var parts: [Part]
  package var regions: [Region]
  package var forecast: Forecast
  /// Weights that decoding one token reads at λ = 0.5 of every aligned model.
  package var readBytesPerToken: Int
  /// Every checksum was compared and is right; nil when that was not asked for.
  package var verified: Bool?

  package init(
    manifest: BundleManifest, path: String, fileBytes: Int, memory: MemoryReport, kvCodec: String,
    blend: Blend = .logits,
    context: Int, sequences: Int, program: Int
  ) {
    self.path = path
    self.fileBytes = fileBytes
    configuration = Configuration(manifest)
    models = manifest.models.indices.map { model in
      let caches = blend == .logits ? manifest.models.count : 1
      return Model(manifest, model, kvBytes: model < caches ? memory.kvBytes / caches : 0)
    }
    parts = Part.all(of: manifest)
    regions = Region.all(of: manifest, fileBytes: fileBytes)
    let perSequence = memory.kvBytes + memory.scratchBytes
    let total = sequences.multipliedReportingOverflow(by: perSequence)
    forecast = Forecast(
      context: context, sequences: sequences, kvCodec: kvCodec, blend: blend, mappedBytes: memory.mappedBytes,
      residentBytes: memory.residentBytes, kvBytesPerSequence: memory.kvBytes,
      scratchBytesPerSequence: memory.scratchBytes, programBytes: program,
      totalBytes: total.overflow
        ? .max : total.partialValue.addingReportingOverflow(memory.residentBytes + program).partialValue)
    let everyModel = Realignment(lambdas: manifest.models.dropFirst().map { _ in 0.5 / Float(manifest.models.count) })
    readBytesPerToken = manifest.weightBytesPerToken(everyModel)
  }
}

extension InspectReport.Configuration {
  fileprivate init(_ manifest: BundleManifest) {
    let configuration = manifest.configuration
    self.init(
      architecture: configuration.architecture.name, layers: configuration.layers,
      hiddenSize: configuration.hiddenSize, heads: configuration.heads, kvHeads: configuration.kvHeads,
      headDim: configuration.headDim, feedForwardSize: configuration.feedForwardSize,
      vocabularySize: configuration.vocabularySize, contextLength: configuration.contextLength,
      slidingWindow: configuration.slidingWindow, tiesEmbeddings: configuration.tiesEmbeddings,
      hasTokenizer: manifest.tokenizer != nil, hasChatTemplate: manifest.chatTemplate != nil,
      endOfTextIds: manifest.endOfTextIDs, activations: manifest.activations.rawValue)
  }
}

extension InspectReport.Model {
  fileprivate init(_ manifest: BundleManifest, _ model: Int, kvBytes: Int) {
    let footprint = manifest.footprint(model: model)
    self.init(
      name: manifest.models[model], ownTensors: footprint.ownTensors, changedTensors: footprint.changedTensors,
      sharedTensors: footprint.sharedTensors, ownBytes: footprint.ownBytes, sharedBytes: footprint.sharedBytes,
      weights: footprint.weights, kvBytes: kvBytes, bitsPerWeight: footprint.bitsPerWeight)
  }
}

extension InspectReport.Part {
  private static let kinds: [(name: String, roles: Set<TensorSpec.Role>)] = [
    ("embedding", [.embedding]), ("attention", [.query, .key, .value, .attentionOutput]),
    ("feed-forward", [.gate, .up, .down]), ("output", [.output]), ("norms and biases", [.norm, .bias]),
  ]

  fileprivate static func all(of manifest: BundleManifest) -> [Self] {
    kinds.compactMap { kind in
      let stored = manifest.tensors.filter { kind.roles.contains($0.spec.role) }
      guard !stored.isEmpty else { return nil }
      let bytes = stored.reduce(0) { $0 + $1.byteCount }
      let weights = stored.reduce(0) { $0 + $1.weights }
      return Self(
        name: kind.name, codecs: Set(stored.map(\.codec.name)).sorted(), weights: weights, bytes: bytes,
        sharedBytes: stored.filter { manifest.users(of: $0) > 1 }.reduce(0) { $0 + $1.byteCount },
        bitsPerWeight: weights == 0 ? 0 : Double(bytes) * 8 / Double(weights))
    }
  }
}

extension InspectReport.Region {
  fileprivate static func all(of manifest: BundleManifest, fileBytes: Int) -> [Self] {
    manifest.memoryRegions(fileBytes: fileBytes).map { Self(name: $0.name, bytes: $0.bytes) }
  }
}
