import DeRaQuantization
import DeRaTensorCore
import Testing

@Suite("Tables of int4 codes")
struct CodeTableTests {
  private static let table = PackedCodec.denseInt4Table

  private func packed(_ weights: [Float], _ layout: PackedLayout) -> (bytes: [UInt8], statistics: PackingStatistics) {
    var bytes = [UInt8](repeating: 0xee, count: layout.byteCount)
    let statistics = weights.withUnsafeBufferPointer { weights in
      bytes.withUnsafeMutableBytes {
        Packer(layout: layout, table: Self.table).pack(tiles: 0..<layout.tiles, weights: weights, into: $0)
      }
    }
    return (bytes, statistics)
  }

  @Test("weights that are on the table's grid are kept exactly, all 16 codes of them")
  func gridKept() throws {
    let layout = try PackedLayout(codec: .int4, rows: 16, columns: 64)
    let scale: Float = 0.00390625
    // Every block has both ends of the table.
    let weights = (0..<1024).map { Float(Self.table[$0 % 32 < 2 ? $0 % 32 * 15 : $0 * 7 / 3 % 16]) * scale }
    #expect(Set(weights).count == 16)
    #expect(unpack(packed(weights, layout).bytes, layout, table: Self.table) == weights)
  }

  @Test("the dense table leaves less error than the linear one on normal weights, and the statistics say so")
  func lessError() throws {
    let layout = try PackedLayout(codec: .int4, rows: 37, columns: 300)
    let weights = normalWeights(37 * 300, seed: 11)
    let (bytes, statistics) = packed(weights, layout)
    let squaredError = zip(unpack(bytes, layout, table: Self.table), weights).reduce(0.0) {
      $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
    }
    #expect((statistics.squaredError / squaredError - 1).magnitude < 1e-4)
    #expect(statistics.squaredError < 0.9 * pack(weights, layout).statistics.squaredError)
  }

  @Test("a table is for int4 only, and linear is always among the choices")
  func choices() {
    for codec in PackedCodec.allCases { #expect(codec.tables == (codec == .int4 ? [nil, Self.table] : [nil])) }
  }
}
