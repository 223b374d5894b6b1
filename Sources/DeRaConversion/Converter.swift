import DeRaBundle
import DeRaGGUF
import DeRaModelSpec
import DeRaPlatform

/// Makes one bundle of a reference model and the models aligned from it.
///
/// Stages: `ConversionInputs` (models read, as far as storage does not matter), `StoredTensors` (the storage of every tensor),
/// `BundlePlan` (the whole file but its weights), the file.
///
/// Two passes over the weights: the first decides which tensors the aligned models share with the reference, the second
/// packs and writes. One pass would have to write an aligned tensor before knowing that it is the same and take it back,
/// and GGUF's table of tensors stands before the data. The first pass is cheap: a tensor that differs is known by its
/// first band, and one that does not is not packed again.
package struct Converter: Sendable {
  package static let version = "0.1.0"

  private let models: [NamedCheckpoint]
  private let options: ConversionOptions
  private let calibration: CalibrationStatistics?
  private let configuration: ModelConfiguration

  /// - Parameters:
  ///   - aligned: none for a bundle of the reference alone.
  ///   - calibration: input statistics of the reference; see `ConversionInputs.calibration`.
  /// - Throws: `ConversionError` when names are unusable or the models cannot be blended.
  package init(
    reference: NamedCheckpoint, aligned: [NamedCheckpoint], options: ConversionOptions,
    calibration: CalibrationStatistics? = nil
  ) throws(ConversionError) {
    models = [reference] + aligned
    self.options = options
    self.calibration = calibration
    guard models.count <= BundleManifest.modelLimit else { throw .tooManyModels(models.count) }
    var names: Set<String> = []
    for model in models {
      guard ModelName.isValid(model.name) else { throw .badName(model.name) }
      guard names.insert(model.name).inserted else { throw .duplicateName(model.name) }
    }
    configuration = try Compatibility.configuration(models, leavesOutOthers: options.leavesOutOtherTokens)
  }

  /// Reads all weights and writes the bundle. The file appears when it is complete; whatever is thrown leaves none, and
  /// an older file of that name as it was.
  ///
  /// - Throws: `ConversionError`, `CheckpointError`, `TokenizerError`, `GGUFError`, `FileError`, and what `progress`
  ///   throws.
  package func convert(to path: String, progress: @escaping ConversionProgressHandler) async throws -> ConversionReport
  {
    try checkOutput(path)
    let file = try AtomicFile(path: path)
    return try await readInputs(progress).plan(progress).write(to: file, progress: progress)
  }

  /// - Throws: `ConversionError.outputIsInput` when writing there would destroy what is converted.
  private func checkOutput(_ path: String) throws(ConversionError) {
    for source in Set(models.flatMap(\.checkpoint.sources)) where FileIdentity.isSame(path, source) {
      throw .outputIsInput(path: path)
    }
  }

  /// Makes sure that a bundle could be written there, before anything that takes long.
  /// - Throws: `ConversionError.outputIsInput`, `FileError`.
  package func reserve(_ path: String) throws {
    try checkOutput(path)
    try AtomicFile(path: path).cancel()
  }

  /// Reads what does not depend on how the weights are stored: checksums of the inputs, tokenizer, template.
  /// - Throws: `ConversionError`, `CheckpointError`, `TokenizerError`, `FileError`, and what `progress` throws.
  package func readInputs(_ progress: @escaping ConversionProgressHandler) throws -> ConversionInputs {
    var inputs = try ConversionInputs(models, configuration, options, progress)
    inputs.calibration = calibration
    return inputs
  }
}
