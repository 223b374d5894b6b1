import DeRaBundle
import DeRaChatTemplate
import DeRaCheckpoints
import DeRaDigest
import DeRaGGUF
import DeRaModelSpec
import DeRaPlatform
import DeRaTokenization

/// Models that have been read as far as it does not depend on how their weights are stored. Any number of plans can be made
/// of it, each with its own options.
package struct ConversionInputs: Sendable {
  package var options: ConversionOptions
  /// Input statistics of the reference: whole matrices, of aligned models too, are then packed with error feedback.
  package var calibration: CalibrationStatistics?
  let models: [NamedCheckpoint]
  package let configuration: ModelConfiguration
  private let started = ContinuousClock.now
  private let files: [Provenance.Model]
  private let definition: TokenizerDefinition?
  /// The compiled tokenizer.
  private let tokenizer: [UInt8]?
  private let chatTemplate: String?
  private let endOfTextIDs: [Int]
  private let warnings: [String]
  private let remarks: [ConversionRemark]

  init(
    _ models: [NamedCheckpoint], _ configuration: ModelConfiguration, _ options: ConversionOptions,
    _ progress: @escaping ConversionProgressHandler
  ) throws {
    var models = models
    if !options.keepsEqualTables { try EqualTables.join(&models, progress) }
    self.models = models
    self.options = options
    let vocabulary = try SharedVocabulary(models, leavesOutOthers: options.leavesOutOtherTokens)
    definition = vocabulary.definition
    tokenizer = try definition?.compiled()
    files = try Self.files(of: models, progress)
    var configuration = configuration
    configuration.tiesEmbeddings = try Self.allTieEmbeddings(models, configuration, options, progress)
    self.configuration = configuration
    var warnings: [String]
    let specialTokens = try tokenizer.map { try Tokenizer(image: $0).specialTokens } ?? [:]
    (chatTemplate, warnings) = try Self.chatTemplate(of: models, specialTokens, isStrict: options.isStrict)
    endOfTextIDs = Compatibility.endOfTextIDs(models, vocabularySize: configuration.vocabularySize)
    if definition == nil { warnings.append("no model has a tokenizer; the bundle takes token ids only, no text") }
    if endOfTextIDs.isEmpty { warnings.append("no model names an end-of-text token; answers end at the token limit") }
    warnings += vocabulary.warnings
    for model in models { warnings += model.checkpoint.warnings.map { "\(model.name): \($0)" } }
    self.warnings = warnings + KLPenaltyCheck.warnings(models)
    remarks = ConversionRemark.all(models)
  }

  /// Names of the models, the reference first.
  package var names: [String] { models.map(\.name) }

  /// Enters rules into the options.
  /// - Throws: `ConversionError.noSuchTensor` or `.noSuchModel`.
  package mutating func apply(_ rules: [TensorRule]) throws(ConversionError) {
    for rule in rules { try rule.apply(to: &options.choices, models: names, tensors: configuration.tensors) }
  }

  /// Decides what is stored; reads the tensors that aligned models share.
  /// - Throws: `ConversionError`, `CheckpointError`, `GGUFError`, and what `progress` throws.
  package func plan(_ progress: @escaping ConversionProgressHandler) throws -> BundlePlan {
    let stored = try StoredTensors(models, configuration, options, calibration, progress)
    return try BundlePlan(
      manifest: try manifest(stored.entries.flatMap(\.tensors)), stored: stored, tokenizer: tokenizer,
      tokenizerMetadata: tokenizerMetadata, warnings: warnings + stored.warnings, remarks: remarks,
      options: options,
      calibration: calibration, started: started)
  }

  /// The manifest of a bundle with these tensors.
  func manifest(_ tensors: [BundleTensor]) throws -> BundleManifest {
    let provenance = Provenance(
      bits: options.goal == nil ? options.bits.rawValue : nil,
      delta: options.delta == .own || options.goal != nil ? nil : options.delta.name, goal: options.goal,
      merge: options.mergesAdapters ? true : nil, strict: options.isStrict,
      calibration: calibration.map { Provenance.Calibration(text: $0.textSHA256, tokens: $0.tokens) }, models: files)
    return BundleManifest(
      models: names, configuration: configuration, endOfTextIDs: endOfTextIDs,
      activations: options.activations, chatTemplate: chatTemplate, provenance: try provenance.json(), tensors: tensors,
      tokenizer: tokenizer.map { BundleTokenizer(byteCount: $0.count, sha256: SHA256.hexadecimal(of: $0)) })
  }

  var tokenizerMetadata: [(key: String, value: GGUFValue)] {
    definition.map { TokenizerMetadata.metadata($0, vocabularySize: configuration.vocabularySize) } ?? []
  }

  private static func files(
    of models: [NamedCheckpoint], _ progress: @escaping ConversionProgressHandler
  ) throws -> [Provenance.Model] {
    let total = try Set(models.flatMap(\.checkpoint.sources)).reduce(0) { try $0 + MappedFile(path: $1).bytes.count }
    var meter = ProgressMeter(phase: .hashing, total: total, handler: progress)
    var known: [String: SourceFile] = [:]
    return try models.map { model in
      Provenance.Model(
        name: model.name,
        files: try model.checkpoint.sources.map { path in
          let file = try known[path] ?? SourceFile(reading: path) { try meter.advance($0, path) }
          known[path] = file
          return file
        })
    }
  }

  /// Whether every model's output matrix is its embedding table, by declaration or by having the same weights.
  private static func allTieEmbeddings(
    _ models: [NamedCheckpoint], _ configuration: ModelConfiguration, _ options: ConversionOptions,
    _ progress: @escaping ConversionProgressHandler
  ) throws -> Bool {
    guard let spec = configuration.tensors.first(where: { $0.role == .embedding }) else { return false }
    let tensor = try BundleTensor(spec: spec, model: 0, codec: options.codec(for: spec))
    let criterion: TensorComparison.Criterion = options.delta == .own && options.goal == nil ? .storedAlike : .equal
    for model in models where !model.checkpoint.configuration.tiesEmbeddings {
      var meter = ProgressMeter(phase: .comparing, total: tensor.byteCount, handler: progress)
      let embedding = TensorBands(tensor: tensor, source: try model.source(spec.name))
      let output = TensorBands(tensor: tensor, source: try model.source(ModelTensor.output.name))
      let comparison = try TensorComparison.compare(embedding, output, criterion) { try meter.advance($0, spec.name) }
      if !comparison.areAlike { return false }
    }
    return true
  }

  /// The first model's that has one; nil and a warning when it cannot be interpreted.
  ///
  /// It is tried on a question and an answer: one that runs away does so here and not at the first chat.
  /// - Parameter specialTokens: by the names that templates have for them.
  /// - Throws: `ConversionError.chatTemplate` for one that exceeds its limits, and when strict for any that fails.
  private static func chatTemplate(
    of models: [NamedCheckpoint], _ specialTokens: [String: String], isStrict: Bool
  ) throws(ConversionError) -> (source: String?, warnings: [String]) {
    guard let source = models.lazy.compactMap(\.checkpoint.chatTemplate).first else { return (nil, []) }
    do throws(TemplateError) {
      let template = try ChatTemplate(source: source)
      let roles = [("user", "Hello"), ("assistant", "Hi"), ("user", "Bye")]
      _ = try template.render(
        messages: roles.map { TemplateMessage(role: $0.0, content: $0.1) }, addGenerationPrompt: true,
        variables: specialTokens.mapValues(TemplateValue.string))
      return (source, [])
    } catch {
      switch error.kind {
      // The template's own refusal, perhaps of this conversation only.
      case .raised: return (source, [])
      case .limit: throw .chatTemplate("\(error)")
      default:
        if isStrict { throw .chatTemplate("\(error)") }
        return (nil, ["\(error); the bundle is made without it, so prompts are used as they are"])
      }
    }
  }
}
