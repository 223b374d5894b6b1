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

  static func int8(
    _ block: UnsafePointer<TileColumn>, scale given: TileColumn? = nil, into target: UnsafeMutableRawPointer
  ) -> CodingSums {
    let scale = storeScales(given ?? greatestMagnitude(block) / 127, at: target)
    let inverse = reciprocal(scale)
    var sums = CodingSums()
    for group in 0..<8 {
      var word = SIMD16<UInt32>(repeating: 0)
      for lane in 0..<4 {
        let weight = block[4 * group + lane]
        let rounded = (weight * inverse).limited(-127, 127) + rounder
        word |= (unsafeBitCast(rounded, to: SIMD16<UInt32>.self) & 0xff) &<< UInt32(8 * lane)
        sums.add((rounded - rounder) * scale, for: weight)
      }
      storeWords(word, at: target + 32 + 64 * group)
    }
    return sums
  }

  static func int6(
    _ block: UnsafePointer<TileColumn>, scale given: TileColumn? = nil, into target: UnsafeMutableRawPointer
  ) -> CodingSums {
    let scale = storeScales(
      given ?? bestScale(block, extremes: int6Extremes) { wholeNumber($0, within: -32, 31) }, at: target)
    let inverse = reciprocal(scale)
    var sums = CodingSums()
    for half in 0..<2 {
      var highs = SIMD16<UInt32>(repeating: 0)
      for group in 0..<2 {
        var lows = SIMD16<UInt32>(repeating: 0)
        for lane in 0..<8 {
          let weight = block[16 * half + 8 * group + lane]
          let rounded = (weight * inverse).limited(-32, 31) + (rounder + 32)
          let code = unsafeBitCast(rounded, to: SIMD16<UInt32>.self)
          lows |= (code & 0xf) &<< UInt32(8 * (lane % 4) + lane / 4 * 4)
          highs |= (code &>> 4 & 3) &<< UInt32(8 * (lane % 4) + (2 * group + lane / 4) * 2)
          sums.add((rounded - (rounder + 32)) * scale, for: weight)
        }
        storeWords(lows, at: target + 32 + 128 * half + 64 * group)
      }
      storeWords(highs, at: target + 32 + 256 + 64 * half)
    }
    return sums
  }

  static func int4(
    _ block: UnsafePointer<TileColumn>, scale given: TileColumn? = nil, into target: UnsafeMutableRawPointer
  ) -> CodingSums {
    let scale = storeScales(
      given ?? bestScale(block, extremes: int4Extremes) { wholeNumber($0, within: -8, 7) }, at: target)
    let inverse = reciprocal(scale)
    var sums = CodingSums()
    for group in 0..<4 {
      var word = SIMD16<UInt32>(repeating: 0)
      for lane in 0..<8 {
        let weight = block[8 * group + lane]
        // Eight more turns the rounded value into the index of the linear table.
        let rounded = (weight * inverse).limited(-8, 7) + (rounder + 8)
        let shift = UInt32(8 * (lane % 4) + lane / 4 * 4)
        word |= (unsafeBitCast(rounded, to: SIMD16<UInt32>.self) & 0xf) &<< shift
        sums.add((rounded - (rounder + 8)) * scale, for: weight)
      }
      storeWords(word, at: target + 32 + 64 * group)
    }
    return sums
  }

  /// int4 codes that select values of a table, which need not have a zero for the padding.
  /// - Parameter columns: how many of the 32 are the matrix's.
  static func int4(
    _ block: UnsafePointer<TileColumn>, columns: Int, table: CodeTable, scale given: TileColumn? = nil,
    into target: UnsafeMutableRawPointer
  ) -> CodingSums {
    let scale = storeScales(given ?? bestScale(block, columns: columns, table), at: target)
    let inverse = reciprocal(scale)
    var sums = CodingSums()
    for group in 0..<4 {
      var word = SIMD16<UInt32>(repeating: 0)
      for lane in 0..<8 {
        let weight = block[8 * group + lane]
        let wanted = weight * inverse
        word |= table.nearestCode(wanted) &<< UInt32(8 * (lane % 4) + lane / 4 * 4)
        if 8 * group + lane < columns { sums.add(table.nearestValue(wanted) * scale, for: weight) }
      }
      storeWords(word, at: target + 32 + 64 * group)
    }
    return sums
  }

  private static func greatestMagnitude(_ block: UnsafePointer<TileColumn>) -> TileColumn {
    var magnitude = TileColumn(repeating: 0)
    for column in 0..<PackedLayout.blockColumns {
      magnitude = magnitude.atLeast(block[column].atLeast(-block[column]))
    }
    return magnitude
  }

  private static func bestScale(
    _ block: UnsafePointer<TileColumn>, columns: Int, _ table: CodeTable
  ) -> TileColumn {
    let extremes = [table.least, table.greatest].flatMap { [$0, $0 * 0.93, $0 * 1.07] }
    return bestScale(block, columns: columns, extremes: extremes, table.nearestValue)
  }

  /// Codes that are tried for a row's weight of largest magnitude.
  ///
  /// With more of them, on either side of zero, the error of normally distributed weights falls by less than 0.4 %;
  /// with −8 alone it is 3 % higher.
  private static let int4Extremes: [Float] = [-8, -7, -7.5, -8.5, -9]
  private static let int6Extremes: [Float] = [-32, -31, -33, -30, -34]

  /// For each row the scale with the least squared error among some candidates: each gives codes q, and the scale that
  /// suits those best is Σwq/Σq², which lowers the error Σw² by (Σwq)²/Σq².
  ///
  /// The scale carries a sign, so that the weight of largest magnitude can use the longer negative half of the codes.
  /// - Parameter nearest: the values the codes stand for that are nearest to some numbers.
  @inline(__always)
  private static func bestScale(
    _ block: UnsafePointer<TileColumn>, columns: Int = PackedLayout.blockColumns, extremes: [Float],
    _ nearest: (TileColumn) -> TileColumn
  ) -> TileColumn {
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
        let code = nearest(relative * candidate)
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

  @inline(__always)
  private static func wholeNumber(_ value: TileColumn, within least: Float, _ most: Float) -> TileColumn {
    value.limited(least, most) + rounder - rounder
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
