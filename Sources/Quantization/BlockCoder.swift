import TensorCore

/// One column of a block: the weights of a tile's 16 rows.
typealias TileColumn = SIMD16<Float>

/// Coders of one 16 × 32 block, given as its 32 columns; `PackedLayout` documents the byte order they write.
///
/// Each returns, row by row, the sum of squared differences between what it wrote and the weights.
enum BlockCoder {
  static func f16(_ block: UnsafePointer<TileColumn>, into target: UnsafeMutableRawPointer) -> TileColumn {
    var squaredError = TileColumn(repeating: 0)
    for column in 0..<PackedLayout.blockColumns {
      let halves = HalfPrecision.bits(block[column])
      storeHalves(halves, at: target + column * 32)
      squaredError.addSquare(HalfPrecision.values(halves) - block[column])
    }
    return squaredError
  }

  static func int8(_ block: UnsafePointer<TileColumn>, into target: UnsafeMutableRawPointer) -> TileColumn {
    var magnitude = TileColumn(repeating: 0)
    for column in 0..<PackedLayout.blockColumns {
      magnitude = magnitude.atLeast(block[column].atLeast(-block[column]))
    }
    let scale = storeScales(magnitude / 127, at: target)
    let inverse = reciprocal(scale)
    var squaredError = TileColumn(repeating: 0)
    for group in 0..<8 {
      var word = SIMD16<UInt32>(repeating: 0)
      for lane in 0..<4 {
        let weight = block[4 * group + lane]
        let rounded = (weight * inverse).limited(-127, 127) + rounder
        word |= (unsafeBitCast(rounded, to: SIMD16<UInt32>.self) & 0xff) &<< UInt32(8 * lane)
        squaredError.addSquare((rounded - rounder) * scale - weight)
      }
      storeWords(word, at: target + 32 + 64 * group)
    }
    return squaredError
  }

  /// The scale carries a sign, so that the weight of largest magnitude can use the longer negative half of −8 … 7.
  static func int4(_ block: UnsafePointer<TileColumn>, into target: UnsafeMutableRawPointer) -> TileColumn {
    let scale = storeScales(int4Scale(block), at: target)
    let inverse = reciprocal(scale)
    var squaredError = TileColumn(repeating: 0)
    for group in 0..<4 {
      var word = SIMD16<UInt32>(repeating: 0)
      for lane in 0..<8 {
        let weight = block[8 * group + lane]
        // Eight more turns the rounded value into the index of the linear table.
        let rounded = (weight * inverse).limited(-8, 7) + (rounder + 8)
        let shift = UInt32(8 * (lane % 4) + lane / 4 * 4)
        word |= (unsafeBitCast(rounded, to: SIMD16<UInt32>.self) & 0xf) &<< shift
        squaredError.addSquare((rounded - (rounder + 8)) * scale - weight)
      }
      storeWords(word, at: target + 32 + 64 * group)
    }
    return squaredError
  }

  /// Codes that are tried for a row's weight of largest magnitude.
  ///
  /// With more of them, on either side of zero, the error of normally distributed weights falls by less than 0.4 %;
  /// with −8 alone it is 3 % higher.
  private static let int4Extremes: [Float] = [-8, -7, -7.5, -8.5, -9]

  /// For each row the scale with the least squared error among some candidates: each gives codes q, and the scale that
  /// suits those best is Σwq/Σq², which lowers the error Σw² by (Σwq)²/Σq².
  private static func int4Scale(_ block: UnsafePointer<TileColumn>) -> TileColumn {
    var greatest = block[0]
    var least = block[0]
    for column in 1..<PackedLayout.blockColumns {
      greatest = greatest.atLeast(block[column])
      least = -(-least).atLeast(-block[column])
    }
    let extreme = greatest.replacing(with: least, where: -least .> greatest)
    let unit = reciprocal(extreme.replacing(with: 0, where: extreme.atLeast(-extreme) .< smallestScalable))
    var bestReduction = TileColumn(repeating: -1)
    var bestScale = TileColumn(repeating: 0)
    for candidate in int4Extremes {
      var correlation = TileColumn(repeating: 0)
      var energy = TileColumn(repeating: 1e-30)
      for column in 0..<PackedLayout.blockColumns {
        let relative = block[column] * unit
        let code = (relative * candidate).limited(-8, 7) + rounder - rounder
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
  private static var rounder: Float { 0x1.8p23 }

  /// 1/value, and 0 for 0: a block of zeros has codes of zero.
  @inline(__always)
  private static func reciprocal(_ value: TileColumn) -> TileColumn {
    let zero = value .== 0
    return (1 / value.replacing(with: 1, where: zero)).replacing(with: 0, where: zero)
  }

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
  private static func storeWords(_ words: SIMD16<UInt32>, at target: UnsafeMutableRawPointer) {
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
