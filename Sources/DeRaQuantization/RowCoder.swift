import DeRaTensorCore

/// Coders of a tile whose rows have one scale each: the low-bit differences of matrices.
///
/// A row's scale is ⟨D, D⟩ / ⟨q, D⟩ for its weights D and codes q, so that the row has its full length along its own
/// direction. The scale of least squares, ⟨q, D⟩ / ⟨q, q⟩, would shrink it, which acts like a smaller λ.
struct RowCoder {
  private let form: PackedCodec.Form
  /// Code c stands for `factor · c + offset`.
  private let factor: Float
  private let offset: Float
  private let greatestCode: Float
  /// Values of 1 that are tried, in units of the row's root mean square.
  private let candidates: [Float]

  /// nil for codecs that have no row scales.
  init?(_ codec: PackedCodec) {
    guard let form = codec.form, form.scalesRows else { return nil }
    self.form = form
    (factor, offset, greatestCode) = (Float(form.factor), Float(form.offset), Float(form.codes - 1))
    candidates = codec.tuning.units
  }

  /// Packs a tile given as its columns.
  ///
  /// - Parameters:
  ///   - tile: whole blocks of columns, those past the end of the matrix zero.
  ///   - columns: columns of the matrix.
  ///   - target: the tile's bytes.
  func pack(_ tile: UnsafePointer<TileColumn>, columns: Int, into target: UnsafeMutableRawPointer) -> CodingSums {
    // Squares are taken of weights relative to the greatest of the row: they neither overflow nor vanish. Rows whose
    // reciprocals could overflow become zero.
    var magnitude = TileColumn(repeating: 0)
    for column in 0..<columns { magnitude = magnitude.atLeast(tile[column].atLeast(-tile[column])) }
    let relative = BlockCoder.reciprocal(magnitude.replacing(with: 0, where: magnitude .< 0x1p-100))
    var squares = TileColumn(repeating: 0)
    for column in 0..<columns { squares.addSquare(tile[column] * relative) }
    let rms = (squares / Float(columns)).squareRoot()
    let (inverse, correlation) = bestUnit(tile, columns: columns, relative: relative, rms: rms)
    let scale = squares * BlockCoder.reciprocal(correlation) * magnitude
    storeScales(scale, at: target)
    let codes = target + PackedLayout.tileRows * MemoryLayout<Float>.size
    return storeCodes(tile, columns: columns, inverse: inverse, scale: scale, at: codes)
  }

  /// For each row the unit whose codes q point most nearly along the row: greatest ⟨q, D⟩² / ⟨q, q⟩.
  ///
  /// - Returns: the reciprocal of the unit, and ⟨q, D⟩ for D relative to the row's greatest magnitude.
  private func bestUnit(
    _ tile: UnsafePointer<TileColumn>, columns: Int, relative: TileColumn, rms: TileColumn
  ) -> (inverse: TileColumn, correlation: TileColumn) {
    var bestAlignment = TileColumn(repeating: -1)
    var bestInverse = TileColumn(repeating: 0)
    var bestCorrelation = TileColumn(repeating: 0)
    for candidate in candidates {
      let inverse = relative * BlockCoder.reciprocal(rms * candidate)
      var correlation = TileColumn(repeating: 0)
      var energy = TileColumn(repeating: 1e-30)
      for column in 0..<columns {
        let value = code(tile[column] * inverse) * factor + offset
        correlation += tile[column] * relative * value
        energy += value * value
      }
      let alignment = correlation / energy * correlation
      let better = alignment .> bestAlignment
      bestAlignment.replace(with: alignment, where: better)
      bestInverse.replace(with: inverse, where: better)
      bestCorrelation.replace(with: correlation, where: better)
    }
    return (bestInverse, bestCorrelation)
  }

  /// The code nearest to a value, as a whole number.
  @inline(__always)
  private func code(_ value: TileColumn) -> TileColumn {
    ((value - offset) / factor).limited(0, greatestCode) + BlockCoder.rounder - BlockCoder.rounder
  }

  private func storeCodes(
    _ tile: UnsafePointer<TileColumn>, columns: Int, inverse: TileColumn, scale: TileColumn,
    at target: UnsafeMutableRawPointer
  ) -> CodingSums {
    var sums = CodingSums()
    withUnsafeTemporaryAllocation(of: SIMD16<UInt32>.self, capacity: PackedLayout.blockColumns) { codes in
      guard let codes = codes.baseAddress else { return }
      let size = PackedLayout.blockColumns
      for first in stride(from: 0, to: columns, by: size) {
        for column in 0..<size {
          let weight = tile[first + column]
          let code = code(weight * inverse)
          codes[column] = unsafeBitCast(code + BlockCoder.rounder, to: SIMD16<UInt32>.self)
          if first + column < columns { sums.add((code * factor + offset) * scale, for: weight) }
        }
        let bytes = target + first / size * form.codeBits * 64
        BlockCoder.storeCodes(codes, columns: min(size, columns - first), form, at: bytes)
      }
    }
    return sums
  }

  private func storeScales(_ scales: TileColumn, at target: UnsafeMutableRawPointer) {
    for row in 0..<PackedLayout.tileRows {
      target.storeBytes(of: scales[row].bitPattern.littleEndian, toByteOffset: 4 * row, as: UInt32.self)
    }
  }
}
