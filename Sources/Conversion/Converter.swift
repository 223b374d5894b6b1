import Bundle
import ChatTemplate
import Checkpoints
import GGUF
import ModelSpec
import Quantization
import Tokenization

/// Makes one bundle of a reference model and the models aligned from it.
///
/// Two passes over the weights: the first decides which tensors the aligned models share with the reference, the second
/// packs and writes. One pass would have to write an aligned tensor before knowing that it is the same and take it back,
/// and GGUF's table of tensors stands before the data. The first pass is cheap: a tensor that differs is known by its
/// first band, and one that does not is not packed again.
public struct Converter: Sendable {
  public static let version = "0.1.0"

  private let models: [NamedCheckpoint]
  private let options: ConversionOptions
  private let configuration: ModelConfiguration

  /// - Parameter aligned: none for a bundle of the reference alone.
  /// - Throws: `ConversionError` when names are unusable or the models cannot be blended.
  public init(
    reference: NamedCheckpoint, aligned: [NamedCheckpoint], options: ConversionOptions
  ) throws(ConversionError) {
    models = [reference] + aligned
    self.options = options
    guard models.count <= BundleManifest.modelLimit else { throw .tooManyModels(models.count) }
    var names: Set<String> = []
    for model in models {
      guard ModelName.isValid(model.name) else { throw .badName(model.name) }
      guard names.insert(model.name).inserted else { throw .duplicateName(model.name) }
    }
    configuration = try Compatibility.configuration(models)
  }

  /// Reads all weights and writes the bundle. The file appears when it is complete; whatever is thrown leaves none, and
  /// an older file of that name as it was.
  ///
  /// - Throws: `ConversionError`, `CheckpointError`, `TokenizerError`, `GGUFError`, `FileError`, and what `progress`
  ///   throws.
  public func convert(to path: String, progress: @escaping ConversionProgressHandler) async throws -> ConversionReport {
    let start = ContinuousClock.now
    for source in Set(models.flatMap(\.checkpoint.sources)) where FileIdentity.isSame(path, source) {
      throw ConversionError.outputIsInput(path: path)
    }
    let file = try AtomicFile(path: path)
    let definition = models.lazy.compactMap(\.checkpoint.tokenizer).first
    let tokenizer = try definition?.compiled()
    let provenance = try provenance(progress)
    var configuration = configuration
    configuration.tiesEmbeddings = try allTieEmbeddings(progress)
    let plan = try ConversionPlan(models, configuration, options, progress)
    var (chatTemplate, warnings) = try chatTemplate()
    let endOfTextIDs = Compatibility.endOfTextIDs(models, vocabularySize: configuration.vocabularySize)
    if definition == nil { warnings.append("no model has a tokenizer; the bundle takes token ids only, no text") }
    if endOfTextIDs.isEmpty { warnings.append("no model names an end-of-text token; answers end at the token limit") }
    for model in models { warnings += model.checkpoint.remarks.map { "\(model.name): \($0)" } }
    warnings += plan.warnings
    let manifest = BundleManifest(
      models: models.map(\.name), configuration: configuration, endOfTextIDs: endOfTextIDs,
      chatTemplate: chatTemplate, provenance: provenance,
      tensors: plan.entries.flatMap(\.tensors), tokenizer: tokenizer.map(Self.bundled))
    let writer = try BundleWriter(
      manifest,
      tokenizerMetadata: definition.map {
        TokenizerMetadata.metadata($0, vocabularySize: configuration.vocabularySize)
      } ?? [], to: file, options: options)
    let changes = try await write(plan, with: writer, &warnings, progress)
    try writer.finish(tokenizer: tokenizer)
    return ConversionReport(
      output: path, outputBytes: file.position, bits: options.bits.rawValue,
      models: ConversionReport.models(writer.manifest), bitsPerWeight: writer.manifest.bitsPerWeight,
      tensorClasses: ConversionReport.tensorClasses(writer.manifest, writer.statistics),
      worstTensors: ConversionReport.worstTensors(writer.manifest, writer.statistics),
      changes: ConversionReport.changes(changes, models: models.map(\.name)),
      warnings: warnings + writer.warnings,
      seconds: (ContinuousClock.now - start) / .seconds(1))
  }

  /// Packs and writes the tensors of a plan.
  /// - Returns: what became of the changes.
  private func write(
    _ plan: ConversionPlan, with writer: BundleWriter, _ warnings: inout [String],
    _ progress: @escaping ConversionProgressHandler
  ) async throws -> [StoredChange] {
    var meter = ProgressMeter(phase: .packing, total: writer.manifest.weightBytes, handler: progress)
    var changes: [StoredChange] = []
    var squaredReference = 0.0
    for entry in plan.entries {
      let content = try await entry.open()
      warnings += content.warnings
      var last = PackingStatistics()
      for (tensor, source) in zip(entry.tensors, content.sources) {
        last = try await writer.write(TensorBands(tensor: tensor, source: source)) {
          try meter.advance($0, tensor.fileName)
        }
      }
      guard let first = entry.tensors.first, first.spec.role.isMatrix else { continue }
      if first.model == 0 {
        squaredReference = last.squaredWeights
      } else {
        changes.append(
          StoredChange(entry: entry, content: content, packing: last, squaredReference: squaredReference))
      }
    }
    return changes
  }

  private static func bundled(_ image: [UInt8]) -> BundleTokenizer {
    BundleTokenizer(byteCount: image.count, sha256: Digest.text(of: image))
  }

  /// The first model's that has one; nil and a warning when it cannot be interpreted.
  ///
  /// It is tried on a question and an answer: one that runs away does so here and not at the first chat.
  /// - Throws: `ConversionError.chatTemplate` for one that exceeds its limits, and with `--strict` for any that fails.
  private func chatTemplate() throws(ConversionError) -> (source: String?, warnings: [String]) {
    guard let source = models.lazy.compactMap(\.checkpoint.chatTemplate).first else { return (nil, []) }
    do throws(TemplateError) {
      let template = try ChatTemplate(source: source)
      let roles = [("user", "Hello"), ("assistant", "Hi"), ("user", "Bye")]
      _ = try template.render(
        messages: roles.map { ChatMessage(role: $0.0, content: $0.1) }, addGenerationPrompt: true, variables: [:])
      return (source, [])
    } catch {
      switch error.kind {
      // The template's own refusal, perhaps of this conversation only.
      case .raised: return (source, [])
      case .limit: throw .chatTemplate("\(error)")
      default:
        if options.isStrict { throw .chatTemplate("\(error)") }
        return (nil, ["\(error); the bundle is made without it, so prompts are used as they are"])
      }
    }
  }

  private func provenance(_ progress: @escaping ConversionProgressHandler) throws -> String {
    let total = try Set(models.flatMap(\.checkpoint.sources)).reduce(0) { try $0 + MappedFile(path: $1).bytes.count }
    var meter = ProgressMeter(phase: .hashing, total: total, handler: progress)
    var known: [String: SourceFile] = [:]
    let files = try models.map { model in
      Provenance.Model(
        name: model.name,
        files: try model.checkpoint.sources.map { path in
          let file = try known[path] ?? Digest.file(path) { try meter.advance($0, path) }
          known[path] = file
          return file
        })
    }
    return try Provenance(
      bits: options.bits.rawValue, delta: options.delta == .own ? nil : options.delta.name,
      merge: options.mergesAdapters ? true : nil, strict: options.isStrict, models: files
    ).json()
  }

  /// Whether every model's output matrix is its embedding table, by declaration or by having the same weights.
  private func allTieEmbeddings(_ progress: @escaping ConversionProgressHandler) throws -> Bool {
    guard let spec = configuration.tensors.first(where: { $0.role == .embedding }) else { return false }
    let tensor = try BundleTensor(spec: spec, model: 0, codec: options.codec(for: spec))
    for model in models where !model.checkpoint.configuration.tiesEmbeddings {
      var meter = ProgressMeter(phase: .comparing, total: tensor.byteCount, handler: progress)
      let embedding = TensorBands(tensor: tensor, source: try model.source(spec.name))
      let output = TensorBands(tensor: tensor, source: try model.source("output.weight"))
      let criterion: TensorComparison.Criterion = options.delta == .own ? .storedAlike : .equal
      let comparison = try TensorComparison.compare(embedding, output, criterion) { try meter.advance($0, spec.name) }
      if !comparison.areAlike { return false }
    }
    return true
  }
}
