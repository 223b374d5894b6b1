import DeRaTensorCore

/// Packs rows of float weights into the byte order the kernels read, some whole tiles at a time.
///
/// The same weights always give the same bytes, however they are divided into calls.
package struct Packer: Sendable {
  package let layout: PackedLayout
  private let table: CodeTable?
  private let feedback: FeedbackCoder?

  /// - Parameters:
  ///   - table: the int4 code table, 16 values in ascending order; nil: linear.
  ///   - feedback: error feedback for the matrix's inputs; nil rounds each weight to the nearest value. Used by
  ///     codecs with block scales.
  package init(layout: PackedLayout, table: [Int8]? = nil, feedback: ErrorFeedback? = nil) {
    precondition(feedback.map { $0.columns == layout.columns } ?? true, "statistics of another input")
    self.layout = layout
    self.table = table.map { CodeTable($0) }
    self.feedback = layout.codec.hasBlockScales ? feedback.map { FeedbackCoder(feedback: $0) } : nil
  }

  /// Rows of the matrix that `tiles` hold; fewer than 16 a tile at the end of the matrix.
  package func rows(of tiles: Range<Int>) -> Range<Int> {
    let end = min(layout.rows, tiles.upperBound * PackedLayout.tileRows)
    return min(end, tiles.lowerBound * PackedLayout.tileRows)..<end
  }

  /// Packs `tiles`, a range within `0 ..< layout.tiles`.
  ///
  /// - Parameters:
  ///   - weights: `[rows(of: tiles).count, layout.columns]`, row-major, all finite (see `NonFinite.replace`).
  ///   - target: `tiles.count * layout.tileBytes` bytes.
  /// - Returns: statistics of these weights.
  package func pack(
    tiles: Range<Int>, weights: UnsafeBufferPointer<Float>, into target: UnsafeMutableRawBufferPointer
  ) -> PackingStatistics {
    let rows = rows(of: tiles)
    precondition(tiles.lowerBound >= 0 && tiles.upperBound <= layout.tiles, "tiles outside the matrix")
    precondition(weights.count == rows.count * layout.columns, "weights do not fill the tiles")
    precondition(target.count == tiles.count * layout.tileBytes, "target is not the size of the tiles")
    var statistics = PackingStatistics()
    guard let source = weights.baseAddress, let base = target.baseAddress else { return statistics }
    withUnsafeTemporaryAllocation(of: TileColumn.self, capacity: layout.blocks * PackedLayout.blockColumns) { scratch in
      guard let columns = scratch.baseAddress else { return }
      for tile in 0..<tiles.count {
        let firstRow = tile * PackedLayout.tileRows
        let tileRows = min(PackedLayout.tileRows, rows.count - firstRow)
        for block in 0..<layout.blocks {
          let column = block * PackedLayout.blockColumns
          gather(
            source + firstRow * layout.columns + column, rows: tileRows, columns: blockColumns(block),
            into: columns + column)
        }
        statistics += code(columns, into: base + tile * layout.tileBytes)
        statistics.weights += tileRows * layout.columns
      }
    }
    return statistics
  }

  /// Columns of the matrix that block `index` of a tile has.
  private func blockColumns(_ index: Int) -> Int {
    min(PackedLayout.blockColumns, layout.columns - index * PackedLayout.blockColumns)
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

  /// Stores a tile given as its columns, whole blocks of them.
  private func code(_ tile: UnsafePointer<TileColumn>, into target: UnsafeMutableRawPointer) -> PackingStatistics {
    if let coder = RowCoder(layout.codec) {
      return statistics(tile, count: layout.columns, coder.pack(tile, columns: layout.columns, into: target))
    }
    if let feedback {
      let sums = feedback.pack(tile, layout, table, into: target)
      var statistics = statistics(tile, count: layout.columns, sums.coding)
      statistics.outputError = sums.loss.total
      return statistics
    }
    if let table, let form = layout.codec.form {
      return code(tile, into: target) {
        BlockCoder.code($0, columns: $1, TableGrid(form: form, table: table), into: $2)
      }
    }
    if let grid = LinearGrid(layout.codec) {
      return code(tile, into: target) { BlockCoder.code($0, columns: $1, grid, into: $2) }
    }
    return code(tile, into: target) { BlockCoder.f16($0, columns: $1, into: $2) }
  }

  /// Stores a tile block by block.
  private func code(
    _ tile: UnsafePointer<TileColumn>, into target: UnsafeMutableRawPointer,
    by coder: (_ block: UnsafePointer<TileColumn>, _ columns: Int, UnsafeMutableRawPointer) -> CodingSums
  ) -> PackingStatistics {
    var sum = PackingStatistics()
    for index in 0..<layout.blocks {
      let block = tile + index * PackedLayout.blockColumns
      let sums = coder(block, blockColumns(index), target + index * layout.codec.blockBytes)
      sum += statistics(block, count: PackedLayout.blockColumns, sums)
    }
    return sum
  }

  /// - Parameter count: columns that `sums` are of.
  private func statistics(_ columns: UnsafePointer<TileColumn>, count: Int, _ sums: CodingSums) -> PackingStatistics {
    var magnitude = TileColumn(repeating: 0)
    var squares = TileColumn(repeating: 0)
    for column in 0..<count {
      squares.addSquare(columns[column])
      magnitude = magnitude.atLeast(columns[column].atLeast(-columns[column]))
    }
    var statistics = PackingStatistics()
    statistics.squaredWeights = squares.total
    statistics.squaredError = sums.squaredError.total
    statistics.product = sums.product.total
    let limit = layout.codec.greatestMagnitude
    if magnitude.max() > limit {
      for column in 0..<count {
        for row in 0..<PackedLayout.tileRows where columns[column][row].magnitude > limit { statistics.saturated += 1 }
      }
    }
    return statistics
  }
}

extension PackedCodec {
  /// Whether blocks of codes have a scale each.
  var hasBlockScales: Bool { form?.scalesRows == false }

  /// Largest magnitude that keeps its usual precision; larger weights saturate.
  var greatestMagnitude: Float {
    guard let form else { return HalfPrecision.greatest }
    return form.scalesRows ? .greatestFiniteMagnitude : HalfPrecision.greatest * Float(form.greatest)
  }
}
