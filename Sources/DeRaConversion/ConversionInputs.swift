import DeRaBundle
import DeRaChatTemplate
import DeRaCheckpoints
import DeRaDigest
import DeRaGGUF
import DeRaModelSpec
import DeRaPlatform
import DeRaPrompting
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
    let runtime = try tokenizer.map { try Tokenizer(image: $0) }
    (chatTemplate, warnings) = try Self.chatTemplate(
      of: models, given: options.chatTemplate, runtime?.specialTokens ?? [:], isStrict: options.isStrict)
    var guesses: [String] = []
    var ends = Compatibility.endOfTextIDs(models, vocabularySize: configuration.vocabularySize)
    if let runtime {
      let layout = try chatTemplate.map { source throws(TemplateError) in
        try ConversationLayout(source: source, specialTokens: runtime.specialTokens)
      }
      let further = AnswerEnd.all(runtime, layout: layout, declared: ends).filter {
        $0.id < configuration.vocabularySize
      }
      ends += further.map { Int($0.id) }
      guesses = further.map(\.description)
    }
    endOfTextIDs = ends
    if definition == nil { warnings.append("no model has a tokenizer; the bundle takes token ids only, no text") }
    if endOfTextIDs.isEmpty { warnings.append("no model names an end-of-text token; answers end at the token limit") }
    warnings += vocabulary.warnings + Self.repetitions(files)
    for model in models { warnings += model.checkpoint.warnings.map { "\(model.name): \($0)" } }
    self.warnings = warnings + KLPenaltyCheck.warnings(models)
    remarks =
      ConversionRemark.all(models)
      + guesses.map { ConversionRemark(model: models[0].name, kind: CheckpointRemark.Kind.guessed.rawValue, text: $0) }
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

  /// Warnings about models that are made of the same files.
  private static func repetitions(_ models: [Provenance.Model]) -> [String] {
    models.indices.dropFirst().compactMap { index in
      let hashes = models[index].files.map(\.sha256)
      guard !hashes.isEmpty, let first = models[..<index].first(where: { $0.files.map(\.sha256) == hashes }) else {
        return nil
      }
      return "'\(models[index].name)' and '\(first.name)' are the same model: their files have the same content"
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

  /// The first model's that has one; nil and a warning when it cannot be read. One that fails on a made-up conversation
  /// is kept, with a warning: it may take others.
  /// - Parameters:
  ///   - given: a template to use instead.
  ///   - specialTokens: by the names that templates have for them.
  /// - Throws: `ConversionError.chatTemplate` for one that exceeds its limits, and when strict for any that fails.
  private static func chatTemplate(
    of models: [NamedCheckpoint], given: String?, _ specialTokens: [String: String], isStrict: Bool
  ) throws(ConversionError) -> (source: String?, warnings: [String]) {
    guard let source = given ?? models.lazy.compactMap(\.checkpoint.chatTemplate).first else { return (nil, []) }
    let layout: ConversationLayout
    do throws(TemplateError) {
      layout = try ConversationLayout(source: source, specialTokens: specialTokens)
    } catch {
      if isStrict || error.isLimit { throw .chatTemplate("\(error)") }
      return (nil, ["\(error); the bundle is made without it, so prompts are used as they are"])
    }
    do throws(TemplateError) {
      try layout.tryOut()
      return (source, [])
    } catch {
      // The template's own refusal is of this conversation only.
      if error.kind == .raised { return (source, []) }
      if isStrict || error.isLimit { throw .chatTemplate("\(error)") }
      return (source, ["\(error), in a made-up conversation; the template is kept and may fail in chats, too"])
    }
  }
}

extension TemplateError {
  fileprivate var isLimit: Bool { if case .limit = kind { true } else { false } }
}
