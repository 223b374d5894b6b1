import DeRaQuantization
import DeRaTensorCore
import DeRaTestSupport

extension PackedCodec {
  /// Codecs without scales, or with one for every block of 32 weights.
  static let ofBlocks = allCases.filter { $0.rowScaleBytes == 0 }
  /// Codecs with a scale for every row.
  static let ofRows = allCases.filter { $0.rowScaleBytes > 0 }
}

func normalWeights(_ count: Int, seed: UInt64) -> [Float] {
  var generator = SeededGenerator(seed: seed)
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
