import DeRaQuantization
import DeRaTensorCore

/// SplitMix64, so that a failing case can be run again.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  /// Close to a normal distribution of variance 1: twelve uniform numbers.
  mutating func normal() -> Float {
    (0..<12).reduce(-6) { sum, _ in sum + Float.random(in: 0..<1, using: &self) }
  }
}

extension PackedCodec {
  /// Codecs without scales, or with one for every block of 32 weights.
  static let ofBlocks = allCases.filter { $0.rowScaleBytes == 0 }
  /// Codecs with a scale for every row.
  static let ofRows = allCases.filter { $0.rowScaleBytes > 0 }
}

func normalWeights(_ count: Int, seed: UInt64) -> [Float] {
  var generator = SeededGenerator(state: seed)
  return (0..<count).map { _ in generator.normal() * 0.02 }
}

func pack(_ weights: [Float], _ layout: PackedLayout) -> (bytes: [UInt8], statistics: PackingStatistics) {
  var bytes = [UInt8](repeating: 0xee, count: layout.byteCount)
  let statistics = weights.withUnsafeBufferPointer { weights in
    bytes.withUnsafeMutableBytes { target in
      Packer(layout: layout).pack(tiles: 0..<layout.tiles, weights: weights, into: target)
    }
  }
  return (bytes, statistics)
}

func unpack(_ bytes: [UInt8], _ layout: PackedLayout, table: [Int8] = PackedCodec.linearInt4Table) -> [Float] {
  var weights = [Float](repeating: .nan, count: layout.rows * layout.columns)
  bytes.withUnsafeBytes { packed in
    weights.withUnsafeMutableBufferPointer { target in
      Dequantizer(layout: layout, table: table).unpack(tiles: 0..<layout.tiles, packed: packed, into: target)
    }
  }
  return weights
}
