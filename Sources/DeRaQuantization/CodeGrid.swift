import DeRaTensorCore

/// The values that codes of a block stand for, before they are scaled.
protocol CodeGrid {
  /// The values tried for the weight of largest magnitude of a block.
  var extremes: [Float] { get }

  /// The values nearest to some numbers.
  func nearest(_ wanted: TileColumn) -> TileColumn

  /// Stores a block under a scale that is a half already, with the codes nearest to its weights.
  func store(_ block: UnsafePointer<TileColumn>, scale: TileColumn, into target: UnsafeMutableRawPointer)
}

/// Whole numbers: int8, int6 and linear int4.
struct LinearGrid: CodeGrid {
  let codec: PackedCodec
  let least: Float
  let greatest: Float

  init(_ codec: PackedCodec) {
    self.codec = codec
    switch codec {
    case .int8: (least, greatest) = (-127, 127)
    case .int6: (least, greatest) = (-32, 31)
    case .int4: (least, greatest) = (-8, 7)
    case .f16, .int2, .ternary, .int1: preconditionFailure("\(codec) has no codes of whole numbers under block scales")
    }
  }

  var extremes: [Float] { FeedbackCoder.extremeFactors.map { $0 * least } }

  @inline(__always)
  func nearest(_ wanted: TileColumn) -> TileColumn {
    wanted.limited(least, greatest) + BlockCoder.rounder - BlockCoder.rounder
  }

  func store(_ block: UnsafePointer<TileColumn>, scale: TileColumn, into target: UnsafeMutableRawPointer) {
    switch codec {
    case .int8: _ = BlockCoder.int8(block, scale: scale, into: target)
    case .int6: _ = BlockCoder.int6(block, scale: scale, into: target)
    default: _ = BlockCoder.int4(block, scale: scale, into: target)
    }
  }
}

/// The values of a table of int4 codes.
struct TableGrid: CodeGrid {
  let table: CodeTable

  var extremes: [Float] {
    FeedbackCoder.extremeFactors.flatMap { [$0 * table.least, $0 * table.greatest] }
  }

  @inline(__always)
  func nearest(_ wanted: TileColumn) -> TileColumn { table.nearestValue(wanted) }

  func store(_ block: UnsafePointer<TileColumn>, scale: TileColumn, into target: UnsafeMutableRawPointer) {
    _ = BlockCoder.int4(block, columns: PackedLayout.blockColumns, table: table, scale: scale, into: target)
  }
}
