import DeRaBundle
import DeRaDigest
import DeRaGGUF
import DeRaPlatform
import DeRaQuantization
import DeRaTokenization

/// Writes a bundle's file.
///
/// GGUF has its table of tensors and we have their checksums before the data, but the checksums are known only after it.
/// They have a fixed size, so the header is written with zeros for them first and replaced at the end.
final class BundleWriter {
  private(set) var manifest: BundleManifest
  /// One element a tensor written.
  private(set) var statistics: [PackingStatistics] = []
  private(set) var warnings: [String] = []
  private let tokenizerMetadata: [(key: String, value: GGUFValue)]
  private let file: AtomicFile
  private let options: ConversionOptions
  private var writer: GGUFWriter
  private let placeholder: GGUFWriter

  init(
    _ manifest: BundleManifest, tokenizerMetadata: [(key: String, value: GGUFValue)], to file: AtomicFile,
    options: ConversionOptions
  ) throws(GGUFError) {
    self.manifest = manifest
    self.tokenizerMetadata = tokenizerMetadata
    self.file = file
    self.options = options
    writer = try GGUFWriter(
      metadata: manifest.metadata(tokenizerMetadata: tokenizerMetadata), tensors: manifest.fileTensors)
    try writer.writeHeader(to: file)
    placeholder = writer
  }

  /// Packs and writes the next tensor of the manifest.
  ///
  /// - Parameter progress: called after each band with its bytes.
  /// - Returns: the statistics of packing the tensor.
  /// - Throws: what reading or writing throws, `ConversionError.nonFinite`, and what `progress` throws.
  @discardableResult
  func write(_ bands: TensorBands, progress: (Int) throws -> Void) async throws -> PackingStatistics {
    var hash = SHA256()
    var sum = PackingStatistics()
    var nonFinite = 0
    var index = 0
    try await inOrder(count: bands.count, width: options.width) { band in
      try bands.packed(band)
    } consume: { band in
      try band.bytes.withUnsafeBytes { bytes in
        hash.update(bytes)
        try writer.writeTensor(bytes, to: file)
      }
      sum += band.statistics
      nonFinite += band.nonFinite
      if bands.isReleasePoint(index) { bands.source.release() }
      index += 1
      try progress(band.bytes.count)
    }
    try report(bands.tensor, nonFinite: nonFinite, saturated: sum.saturated)
    manifest.setChecksum(hash.hexadecimal(), at: statistics.count)
    statistics.append(sum)
    return sum
  }

  /// Writes the tokenizer, completes the header and gives the file its name.
  /// - Throws: `GGUFError` or `FileError` when that cannot be written, `ConversionError.unreadable` when the runtime
  ///   would refuse it.
  func finish(tokenizer: [UInt8]?) throws {
    try tokenizer?.withUnsafeBytes { try writer.writeTensor($0, to: file) }
    try writer.finish()
    let final = try GGUFWriter(
      metadata: manifest.metadata(tokenizerMetadata: tokenizerMetadata), tensors: manifest.fileTensors)
    try final.rewriteHeader(of: placeholder, in: file)
    try file.commit { temporaryPath in
      do {
        let file = try GGUFFile(path: temporaryPath)
        let image = try BundleManifest(file: file).tokenizer
        if let image {
          _ = try Tokenizer(image: UnsafeRawBufferPointer(rebasing: file.file.bytes[image.byteRange]), owner: file)
        }
      } catch {
        throw ConversionError.unreadable("\(error)")
      }
    }
  }

  private func report(_ tensor: BundleTensor, nonFinite: Int, saturated: Int) throws(ConversionError) {
    let model = manifest.models[tensor.model]
    if nonFinite > 0 {
      guard !options.isStrict else { throw .nonFinite(tensor: tensor.name, model: model, count: nonFinite) }
      warnings.append(
        "\(nonFinite) weights of \(tensor.name) of \(model) are NaN or infinite; stored as 0 and ±65504")
    }
    if saturated > nonFinite {
      warnings.append(
        "\(saturated) weights of \(tensor.name) of \(model) are too large for \(tensor.codec.name); "
          + "stored as the largest value it has")
    }
  }
}
