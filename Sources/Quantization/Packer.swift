import TensorCore

/// Packs rows of float weights into the byte order the kernels read, some whole tiles at a time.
///
/// The same weights always give the same bytes, however they are divided into calls.
public struct Packer: Sendable {
  public let layout: PackedLayout

  public init(layout: PackedLayout) { self.layout = layout }

  /// Rows of the matrix that `tiles` hold; fewer than 16 a tile at the end of the matrix.
  public func rows(of tiles: Range<Int>) -> Range<Int> {
    let end = min(layout.rows, tiles.upperBound * PackedLayout.tileRows)
    return min(end, tiles.lowerBound * PackedLayout.tileRows)..<end
  }

  /// Packs `tiles`, a range within `0 ..< layout.tiles`.
  ///
  /// - Parameters:
  ///   - weights: `[rows(of: tiles).count, layout.columns]`, row-major, all finite (see `NonFinite.replace`).
  ///   - target: `tiles.count * layout.tileBytes` bytes.
  /// - Returns: statistics of these weights.
  public func pack(
    tiles: Range<Int>, weights: UnsafeBufferPointer<Float>, into target: UnsafeMutableRawBufferPointer
  ) -> PackingStatistics {
    let rows = rows(of: tiles)
    precondition(tiles.lowerBound >= 0 && tiles.upperBound <= layout.tiles, "tiles outside the matrix")
    precondition(weights.count == rows.count * layout.columns, "weights do not fill the tiles")
    precondition(target.count == tiles.count * layout.tileBytes, "target is not the size of the tiles")
    var statistics = PackingStatistics()
    guard let source = weights.baseAddress, let base = target.baseAddress else { return statistics }
    withUnsafeTemporaryAllocation(of: TileColumn.self, capacity: PackedLayout.blockColumns) { scratch in
      guard let block = scratch.baseAddress else { return }
      for tile in 0..<tiles.count {
        let firstRow = tile * PackedLayout.tileRows
        let tileRows = min(PackedLayout.tileRows, rows.count - firstRow)
        for index in 0..<layout.blocks {
          let column = index * PackedLayout.blockColumns
          gather(
            source + firstRow * layout.columns + column, rows: tileRows,
            columns: min(PackedLayout.blockColumns, layout.columns - column), into: block)
          statistics += pack(block, into: base + tile * layout.tileBytes + index * layout.codec.blockBytes)
        }
        statistics.weights += tileRows * layout.columns
      }
    }
    return statistics
  }

  /// Turns a block's rows into its columns, zero where the matrix has ended.
  private func gather(
    _ source: UnsafePointer<Float>, rows: Int, columns: Int, into block: UnsafeMutablePointer<TileColumn>
  ) {
    if rows < PackedLayout.tileRows || columns < PackedLayout.blockColumns {
      block.update(repeating: TileColumn(repeating: 0), count: PackedLayout.blockColumns)
    }
    block.withMemoryRebound(to: Float.self, capacity: PackedLayout.blockColumns * PackedLayout.tileRows) { target in
      for row in 0..<rows {
        for column in 0..<columns {
          target[column * PackedLayout.tileRows + row] = source[row * layout.columns + column]
        }
      }
    }
  }

  private func pack(_ block: UnsafePointer<TileColumn>, into target: UnsafeMutableRawPointer) -> PackingStatistics {
    let squaredError =
      switch layout.codec {
      case .f16: BlockCoder.f16(block, into: target)
      case .int8: BlockCoder.int8(block, into: target)
      case .int4: BlockCoder.int4(block, into: target)
      }
    var magnitude = TileColumn(repeating: 0)
    var squares = TileColumn(repeating: 0)
    for column in 0..<PackedLayout.blockColumns {
      squares.addSquare(block[column])
      magnitude = magnitude.atLeast(block[column].atLeast(-block[column]))
    }
    var statistics = PackingStatistics()
    statistics.squaredWeights = squares.total
    statistics.squaredError = squaredError.total
    let limit = layout.codec.greatestMagnitude
    if magnitude.max() > limit {
      for column in 0..<PackedLayout.blockColumns {
        for row in 0..<PackedLayout.tileRows where block[column][row].magnitude > limit { statistics.saturated += 1 }
      }
    }
    return statistics
  }
}

extension PackedCodec {
  /// Largest magnitude that keeps its usual precision; larger weights saturate.
  var greatestMagnitude: Float {
    switch self {
    case .f16: HalfPrecision.greatest
    case .int8: HalfPrecision.greatest * 127
    case .int4: HalfPrecision.greatest * 7
    }
  }
}
