import DeRaBundle
import DeRaCheckpoints
import DeRaQuantization
import DeRaTensorCore

/// Some whole tiles of a stored tensor.
struct PackedBand: Sendable {
  var bytes: [UInt8]
  var statistics = PackingStatistics()
  /// Weights that were NaN or infinite.
  var nonFinite = 0
}

/// Reads a tensor of a checkpoint in bands small enough that several fit in memory at once, and packs them.
struct TensorBands: Sendable {
  /// Bytes of a band as floats; a band is at least one tile.
  private static let bandBytes = 4 << 20
  /// The source's pages are given back after reading this many bytes' worth of floats.
  private static let releaseBytes = 32 << 20
  /// Tiles of the first band that tables are tried on with error feedback.
  private static let sampleTiles = 8

  let tensor: BundleTensor
  let source: any TensorSource
  /// The error feedback of the matrix; nil rounds every weight to the nearest code.
  private let feedback: ErrorFeedback?
  private let bandRows: Int

  init(tensor: BundleTensor, source: any TensorSource, feedback: ErrorFeedback? = nil) {
    self.tensor = tensor
    self.source = source
    self.feedback = feedback
    let tileBytes = PackedLayout.tileRows * tensor.columns * 4
    bandRows = max(1, Self.bandBytes / tileBytes) * PackedLayout.tileRows
  }

  var count: Int { (tensor.rows - 1) / bandRows + 1 }

  /// Whether this is a good moment to call `source.release()`: after some bands, and after the last.
  func isReleasePoint(_ band: Int) -> Bool {
    let bandsPerRelease = max(1, Self.releaseBytes / (bandRows * tensor.columns * 4))
    return band % bandsPerRelease == bandsPerRelease - 1 || band == count - 1
  }

  /// The weights of a band, row-major, all finite, and how many were not.
  /// - Throws: `CheckpointError` when the checkpoint is damaged.
  func weights(_ band: Int) throws(CheckpointError) -> (values: [Float], nonFinite: Int) {
    let rows = rows(band)
    var nonFinite = 0
    var failure: CheckpointError?
    let values = [Float](unsafeUninitializedCapacity: rows.count * tensor.columns) { buffer, initialized in
      do throws(CheckpointError) {
        try source.read(rows: rows, into: buffer)
        initialized = buffer.count
        nonFinite = NonFinite.replace(in: buffer)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return (values, nonFinite)
  }

  /// A band as it is stored.
  /// - Throws: `CheckpointError` when the checkpoint is damaged.
  func packed(_ band: Int) throws(CheckpointError) -> PackedBand {
    let (values, nonFinite) = try weights(band)
    var packed = pack(values, band: band)
    packed.nonFinite = nonFinite
    return packed
  }

  /// Stores the weights of a band, which `weights(_:)` has read from any source of this shape.
  func pack(_ values: [Float], band: Int) -> PackedBand {
    guard let layout = tensor.layout else { return littleEndian(values) }
    let first = rows(band).lowerBound / PackedLayout.tileRows
    return pack(values[...], tiles: first..<min(layout.tiles, first + bandRows / PackedLayout.tileRows), layout)
  }

  private func pack(_ values: ArraySlice<Float>, tiles: Range<Int>, _ layout: PackedLayout) -> PackedBand {
    var packed = PackedBand(bytes: [])
    packed.bytes = [UInt8](unsafeUninitializedCapacity: tiles.count * layout.tileBytes) { buffer, initialized in
      values.withUnsafeBufferPointer { weights in
        packed.statistics = Packer(layout: layout, table: tensor.table, feedback: feedback).pack(
          tiles: tiles, weights: weights, into: UnsafeMutableRawBufferPointer(buffer))
      }
      initialized = buffer.count
    }
    return packed
  }

  /// The tensor with the table of codes that leaves the smaller error in the first band; with error feedback, which takes
  /// longer, in the first rows of it.
  /// - Throws: `CheckpointError` when the checkpoint is damaged.
  func tensorWithBestTable() throws -> BundleTensor {
    guard case .packed(let codec) = tensor.codec, codec.tables.count > 1 else { return tensor }
    let values = try weights(0).values
    let candidates = try codec.tables.map { table in
      let candidate = try BundleTensor(spec: tensor.spec, model: tensor.model, codec: tensor.codec, table: table)
      let bands = TensorBands(tensor: candidate, source: source, feedback: feedback)
      return (tensor: candidate, error: bands.sampleError(values))
    }
    return candidates.min { $0.error < $1.error }?.tensor ?? tensor
  }

  /// - Parameter values: the first band's.
  private func sampleError(_ values: [Float]) -> Double {
    guard feedback != nil, let layout = tensor.layout else { return pack(values, band: 0).statistics.squaredError }
    let tiles = 0..<min(Self.sampleTiles, layout.tiles, bandRows / PackedLayout.tileRows)
    let count = min(values.count, tiles.count * PackedLayout.tileRows * tensor.columns)
    return pack(values[..<count], tiles: tiles, layout).statistics.outputError
  }

  private func rows(_ band: Int) -> Range<Int> {
    band * bandRows..<min(tensor.rows, (band + 1) * bandRows)
  }

  private func littleEndian(_ values: [Float]) -> PackedBand {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count * 4)
    for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
    return PackedBand(bytes: bytes)
  }
}
