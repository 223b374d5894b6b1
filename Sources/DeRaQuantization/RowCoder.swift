import DeRaTensorCore

/// Coders of a tile whose rows have one scale each: the low-bit differences of matrices.
///
/// A row's scale is ⟨D, D⟩ / ⟨q, D⟩ for its weights D and codes q, so that the row has its full length along its own
/// direction. The scale of least squares, ⟨q, D⟩ / ⟨q, q⟩, would shrink it, which acts like a smaller λ.
struct RowCoder {
  /// Bits of a code.
  private let bits: Int
  /// Code c stands for `factor · c + offset`.
  private let factor: Float
  private let offset: Float
  private let greatestCode: Float
  /// Values of 1 that are tried, in units of the row's root mean square.
  private let candidates: [Float]

  /// nil for codecs that have no row scales.
  init?(_ codec: PackedCodec) {
    switch codec {
    case .f16, .int8, .int6, .int4: return nil
    // The best for a normal distribution is 0.50, for a Laplace distribution 0.54.
    case .int2:
      self.init(bits: 2, factor: 2, offset: -3, greatest: 3, candidates: [0.5, 0.4, 0.45, 0.55, 0.6, 0.7, 0.85])
    // For a normal distribution 1.22, for a Laplace distribution 1.4; higher where most weights are zero.
    case .ternary:
      self.init(bits: 2, factor: 1, offset: -1, greatest: 2, candidates: [1.2, 0.9, 1.05, 1.4, 1.6, 2, 2.6, 3.5, 5])
    case .int1: self.init(bits: 1, factor: 2, offset: -1, greatest: 1, candidates: [1])
    }
  }

  private init(bits: Int, factor: Float, offset: Float, greatest: Float, candidates: [Float]) {
    self.bits = bits
    self.factor = factor
    self.offset = offset
    self.greatestCode = greatest
    self.candidates = candidates
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
    let columnsPerWord = 4 * 8 / bits
    var sums = CodingSums()
    for first in stride(from: 0, to: columns, by: columnsPerWord) {
      var word = SIMD16<UInt32>(repeating: 0)
      for lane in 0..<columnsPerWord {
        let code = code(tile[first + lane] * inverse)
        let whole = unsafeBitCast(code + BlockCoder.rounder, to: SIMD16<UInt32>.self) & 0xff
        word |= whole &<< UInt32(8 * (lane % 4) + bits * (lane / 4))
        if first + lane < columns { sums.add((code * factor + offset) * scale, for: tile[first + lane]) }
      }
      BlockCoder.storeWords(word, at: target + first / columnsPerWord * 64)
    }
    return sums
  }

  private func storeScales(_ scales: TileColumn, at target: UnsafeMutableRawPointer) {
    for row in 0..<PackedLayout.tileRows {
      target.storeBytes(of: scales[row].bitPattern.littleEndian, toByteOffset: 4 * row, as: UInt32.self)
    }
  }
}
