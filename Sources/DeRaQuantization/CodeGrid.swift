import DeRaTensorCore

/// The values that codes of a block stand for, before they are scaled.
protocol CodeGrid {
  var form: PackedCodec.Form { get }

  /// The values tried for the weight of largest magnitude of a block that is rounded by itself; empty: that weight gets
  /// the greatest value.
  var roundingExtremes: [Float] { get }

  /// The values tried for it by error feedback.
  var feedbackExtremes: [Float] { get }

  /// The values nearest to some numbers.
  func nearest(_ wanted: TileColumn) -> TileColumn

  /// Their codes, in the low `form.codeBits` bits, and the values themselves.
  func code(_ wanted: TileColumn) -> (code: SIMD16<UInt32>, value: TileColumn)
}

/// Whole numbers: codes under block scales without a table.
struct LinearGrid: CodeGrid {
  let form: PackedCodec.Form
  let roundingExtremes: [Float]
  private let least: Float
  private let greatest: Float
  /// Leaves the code of a value in the low bits of the sum.
  private let rounder: Float

  /// nil for codecs of other codes.
  init?(_ codec: PackedCodec) {
    guard let form = codec.form, !form.scalesRows else { return nil }
    self.form = form
    roundingExtremes = codec.tuning.extremes
    (least, greatest) = (Float(form.least), Float(form.greatest))
    rounder = BlockCoder.rounder - Float(form.offset)
  }

  var feedbackExtremes: [Float] { FeedbackCoder.extremeFactors.map { $0 * least } }

  @inline(__always)
  func nearest(_ wanted: TileColumn) -> TileColumn {
    wanted.limited(least, greatest) + BlockCoder.rounder - BlockCoder.rounder
  }

  @inline(__always)
  func code(_ wanted: TileColumn) -> (code: SIMD16<UInt32>, value: TileColumn) {
    let rounded = wanted.limited(least, greatest) + rounder
    return (unsafeBitCast(rounded, to: SIMD16<UInt32>.self), rounded - rounder)
  }
}

/// The values of a table.
struct TableGrid: CodeGrid {
  let form: PackedCodec.Form
  let table: CodeTable

  var roundingExtremes: [Float] {
    [table.least, table.greatest].flatMap { [$0, $0 * 0.93, $0 * 1.07] }
  }

  var feedbackExtremes: [Float] {
    FeedbackCoder.extremeFactors.flatMap { [$0 * table.least, $0 * table.greatest] }
  }

  @inline(__always)
  func nearest(_ wanted: TileColumn) -> TileColumn { table.nearestValue(wanted) }

  @inline(__always)
  func code(_ wanted: TileColumn) -> (code: SIMD16<UInt32>, value: TileColumn) {
    (table.nearestCode(wanted), table.nearestValue(wanted))
  }
}
