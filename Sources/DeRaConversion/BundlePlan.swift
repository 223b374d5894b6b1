import DeRaBundle
import DeRaGGUF
import DeRaModelSpec
import DeRaPlatform
import DeRaQuantization

/// A bundle that is decided but not yet written: the last stage before the file.
package struct BundlePlan {
  /// The manifest of the file; only checksums are missing.
  package let manifest: BundleManifest
  /// Bytes of the whole file, header and tokenizer included.
  package let outputBytes: Int
  package let warnings: [String]
  package let remarks: [ConversionRemark]
  private let stored: StoredTensors
  private let tokenizer: [UInt8]?
  private let tokenizerMetadata: [(key: String, value: GGUFValue)]
  private let options: ConversionOptions
  private let calibration: CalibrationStatistics?
  private let started: ContinuousClock.Instant

  init(
    manifest: BundleManifest, stored: StoredTensors, tokenizer: [UInt8]?,
    tokenizerMetadata: [(key: String, value: GGUFValue)], warnings: [String], remarks: [ConversionRemark],
    options: ConversionOptions,
    calibration: CalibrationStatistics?, started: ContinuousClock.Instant
  ) throws(GGUFError) {
    self.manifest = manifest
    self.stored = stored
    self.tokenizer = tokenizer
    self.tokenizerMetadata = tokenizerMetadata
    self.warnings = warnings
    self.remarks = remarks
    self.options = options
    self.calibration = calibration
    self.started = started
    outputBytes = try Self.fileBytes(manifest, tokenizerMetadata)
  }

  /// Bytes of the file of a manifest.
  static func fileBytes(
    _ manifest: BundleManifest, _ tokenizerMetadata: [(key: String, value: GGUFValue)]
  ) throws(GGUFError) -> Int {
    try GGUFWriter(
      metadata: manifest.metadata(tokenizerMetadata: tokenizerMetadata), tensors: manifest.fileTensors
    ).fileBytes
  }

  /// The storage of every tensor.
  package var report: PlanReport { PlanReport(manifest, outputBytes: outputBytes, remarks: remarks) }

  /// Reads all weights and writes the bundle, as `Converter.convert` does.
  /// - Throws: `ConversionError`, `CheckpointError`, `GGUFError`, `FileError`, and what `progress` throws.
  package func write(to path: String, progress: @escaping ConversionProgressHandler) async throws -> ConversionReport {
    try await write(to: AtomicFile(path: path), progress: progress)
  }

  func write(to file: AtomicFile, progress: @escaping ConversionProgressHandler) async throws -> ConversionReport {
    let writer = try BundleWriter(manifest, tokenizerMetadata: tokenizerMetadata, to: file, options: options)
    var warnings = warnings
    let changes = try await write(with: writer, &warnings, progress)
    try writer.finish(tokenizer: tokenizer)
    return ConversionReport(
      output: file.path, outputBytes: file.position, bits: options.goal == nil ? options.bits.rawValue : nil,
      models: ConversionReport.models(writer.manifest), isCalibrated: calibration == nil ? nil : true,
      bitsPerWeight: writer.manifest.bitsPerWeight,
      tensorClasses: ConversionReport.tensorClasses(writer.manifest, writer.statistics),
      worstTensors: ConversionReport.worstTensors(writer.manifest, writer.statistics),
      changes: ConversionReport.changes(changes, models: manifest.models),
      warnings: warnings + writer.warnings, remarks: remarks,
      seconds: (ContinuousClock.now - started) / .seconds(1))
  }

  /// Packs and writes the tensors.
  /// - Returns: the stored form of every change.
  private func write(
    with writer: BundleWriter, _ warnings: inout [String], _ progress: @escaping ConversionProgressHandler
  ) async throws -> [StoredChange] {
    var meter = ProgressMeter(phase: .packing, total: writer.manifest.weightBytes, handler: progress)
    var changes: [StoredChange] = []
    var squaredReference = 0.0
    for entry in stored.entries {
      let content = try await entry.open()
      warnings += content.warnings
      var last = PackingStatistics()
      for (tensor, source) in zip(entry.tensors, content.sources) {
        let bands = TensorBands(tensor: tensor, source: source, feedback: calibration?.feedback(for: tensor))
        last = try await writer.write(bands) {
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
}
