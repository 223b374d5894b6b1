import DeRaTensorCore

/// One column of a block: the weights of a tile's 16 rows.
typealias TileColumn = SIMD16<Float>

/// Row by row, how what was stored relates to the weights.
struct CodingSums {
  var squaredError = TileColumn(repeating: 0)
  /// Σ weight · stored value
  var product = TileColumn(repeating: 0)

  @inline(__always)
  mutating func add(_ stored: TileColumn, for weight: TileColumn) {
    squaredError.addSquare(stored - weight)
    product += stored * weight
  }
}

/// Coders of one 16 × 32 block, given as its 32 columns; `PackedLayout` documents the byte order they write.
///
/// Where a scale is given, a half already, it is used; else the coder chooses one.
enum BlockCoder {
  /// - Parameter columns: how many of the 32 are stored.
  static func f16(
    _ block: UnsafePointer<TileColumn>, columns: Int, into target: UnsafeMutableRawPointer
  ) -> CodingSums {
    var sums = CodingSums()
    for column in 0..<columns {
      let halves = HalfPrecision.bits(block[column])
      storeHalves(halves, at: target + column * 32)
      sums.add(HalfPrecision.values(halves), for: block[column])
    }
    return sums
  }

  /// Codes of integers under block scales.
  /// - Parameter columns: how many of the 32 are the matrix's; the padding's codes are stored too.
  @inline(__always)
  static func code<Grid: CodeGrid>(
    _ block: UnsafePointer<TileColumn>, columns: Int, _ grid: Grid, scale given: TileColumn? = nil,
    into target: UnsafeMutableRawPointer
  ) -> CodingSums {
    let scale = storeScales(given ?? bestScale(block, columns: columns, grid), at: target)
    let inverse = reciprocal(scale)
    var sums = CodingSums()
    withUnsafeTemporaryAllocation(of: SIMD16<UInt32>.self, capacity: PackedLayout.blockColumns) { codes in
      guard let codes = codes.baseAddress else { return }
      for column in 0..<PackedLayout.blockColumns {
        let (code, value) = grid.code(block[column] * inverse)
        codes[column] = code
        if column < columns { sums.add(value * scale, for: block[column]) }
      }
      storeCodes(codes, columns: PackedLayout.blockColumns, grid.form, at: target + 2 * PackedLayout.tileRows)
    }
    return sums
  }

  /// Stores a block's codes in their planes; see `PackedLayout`.
  /// - Parameter columns: those whose 64 bytes are written.
  @inline(__always)
  static func storeCodes(
    _ codes: UnsafePointer<SIMD16<UInt32>>, columns: Int, _ form: PackedCodec.Form,
    at target: UnsafeMutableRawPointer
  ) {
    storePlane(codes, columns: columns, bits: form.bits.0, shift: 0, at: target)
    if form.bits.1 > 0 {
      storePlane(codes, columns: columns, bits: form.bits.1, shift: form.bits.0, at: target + 64 * form.bits.0)
    }
  }

  @inline(__always)
  private static func storePlane(
    _ codes: UnsafePointer<SIMD16<UInt32>>, columns: Int, bits: Int, shift: Int, at target: UnsafeMutableRawPointer
  ) {
    let columnsPerWord = 32 / bits
    let mask = UInt32(1) << UInt32(bits) - 1
    for first in stride(from: 0, to: columns, by: columnsPerWord) {
      var word = SIMD16<UInt32>(repeating: 0)
      for lane in 0..<columnsPerWord {
        let part = codes[first + lane] &>> UInt32(shift) & mask
        word |= part &<< UInt32(8 * (lane % 4) + bits * (lane / 4))
      }
      storeWords(word, at: target + 64 * (first / columnsPerWord))
    }
  }

  private static func greatestMagnitude(_ block: UnsafePointer<TileColumn>) -> TileColumn {
    var magnitude = TileColumn(repeating: 0)
    for column in 0..<PackedLayout.blockColumns {
      magnitude = magnitude.atLeast(block[column].atLeast(-block[column]))
    }
    return magnitude
  }

  /// For each row the scale with the least squared error among some candidates: each gives codes q, and the scale that
  /// suits those best is Σwq/Σq², which lowers the error Σw² by (Σwq)²/Σq².
  ///
  /// The scale carries a sign, so that the weight of largest magnitude can use the longer negative half of the codes.
  @inline(__always)
  private static func bestScale<Grid: CodeGrid>(
    _ block: UnsafePointer<TileColumn>, columns: Int, _ grid: Grid
  ) -> TileColumn {
    let extremes = grid.roundingExtremes
    if extremes.isEmpty { return greatestMagnitude(block) / Float(grid.form.greatest) }
    var greatest = block[0]
    var lowest = block[0]
    for column in 1..<PackedLayout.blockColumns {
      greatest = greatest.atLeast(block[column])
      lowest = -(-lowest).atLeast(-block[column])
    }
    let extreme = greatest.replacing(with: lowest, where: -lowest .> greatest)
    let unit = reciprocal(extreme.replacing(with: 0, where: extreme.atLeast(-extreme) .< smallestScalable))
    var bestReduction = TileColumn(repeating: -1)
    var bestScale = TileColumn(repeating: 0)
    for candidate in extremes {
      var correlation = TileColumn(repeating: 0)
      var energy = TileColumn(repeating: 1e-30)
      for column in 0..<columns {
        let relative = block[column] * unit
        let code = grid.nearest(relative * candidate)
        correlation += relative * code
        energy += code * code
      }
      let scale = correlation / energy
      let reduction = correlation * scale
      let better = reduction .> bestReduction
      bestReduction.replace(with: reduction, where: better)
      bestScale.replace(with: scale, where: better)
    }
    return bestScale * extreme
  }

  /// Below this magnitude every scale rounds to a half of zero; far above it a reciprocal is still finite.
  private static var smallestScalable: Float { 0x1p-30 }

  /// Added to a float below 2²² it leaves the nearest integer, ties to even, in the low bits.
  static var rounder: Float { 0x1.8p23 }

  /// 1/value, and 0 for 0: a block of zeros has codes of zero.
  @inline(__always)
  static func reciprocal(_ value: TileColumn) -> TileColumn {
    let zero = value .== 0
    return (1 / value.replacing(with: 1, where: zero)).replacing(with: 0, where: zero)
  }

  /// The values that scales have once they are stored.
  static func half(_ scales: TileColumn) -> TileColumn { HalfPrecision.values(HalfPrecision.bits(scales)) }

  /// Stores the scales as halves and returns the values they now have, which the codes must be relative to.
  @inline(__always)
  private static func storeScales(_ scales: TileColumn, at target: UnsafeMutableRawPointer) -> TileColumn {
    let halves = HalfPrecision.bits(scales)
    storeHalves(halves, at: target)
    return HalfPrecision.values(halves)
  }

  @inline(__always)
  private static func storeHalves(_ halves: SIMD16<UInt32>, at target: UnsafeMutableRawPointer) {
    let target = target.assumingMemoryBound(to: UInt16.self)
    withUnsafeBytes(of: halves) { lanes in
      let lanes = lanes.assumingMemoryBound(to: UInt32.self)
      for row in 0..<PackedLayout.tileRows { target[row] = UInt16(truncatingIfNeeded: lanes[row]).littleEndian }
    }
  }

  @inline(__always)
  static func storeWords(_ words: SIMD16<UInt32>, at target: UnsafeMutableRawPointer) {
    let target = target.assumingMemoryBound(to: UInt32.self)
    withUnsafeBytes(of: words) { lanes in
      let lanes = lanes.assumingMemoryBound(to: UInt32.self)
      for row in 0..<PackedLayout.tileRows { target[row] = lanes[row].littleEndian }
    }
  }
}

extension TileColumn {
  /// The greater lane of the two.
  @inline(__always)
  func atLeast(_ other: Self) -> Self { replacing(with: other, where: other .> self) }

  @inline(__always)
  func limited(_ least: Float, _ most: Float) -> Self {
    let raised = replacing(with: least, where: self .< least)
    return raised.replacing(with: most, where: raised .> most)
  }

  @inline(__always)
  mutating func addSquare(_ value: Self) { self += value * value }

  /// Sum of the lanes in double precision, in order.
  var total: Double {
    var sum = 0.0
    for lane in 0..<16 { sum += Double(self[lane]) }
    return sum
  }
}
