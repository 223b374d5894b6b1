import DeRaTensorCore
import Testing

@Suite struct PackedLayoutTests {
  @Test("bits per weight are those of the codes plus a scale for 32 weights") func bitsPerWeight() {
    #expect(PackedCodec.f16.bitsPerWeight == 16)
    #expect(PackedCodec.int8.bitsPerWeight == 8.5)
    #expect(PackedCodec.int6.bitsPerWeight == 6.5)
    #expect(PackedCodec.int4.bitsPerWeight == 4.5)
  }

  @Test("bits per weight of codecs with row scales are those of the codes") func rowScaleBits() {
    #expect(PackedCodec.int2.bitsPerWeight == 2)
    #expect(PackedCodec.ternary.bitsPerWeight == 2)
    #expect(PackedCodec.int1.bitsPerWeight == 1)
  }

  @Test(
    "sides are padded to whole tiles and blocks, f16 columns not at all",
    arguments: [(1, 1, 1, 1), (16, 32, 1, 1), (17, 32, 2, 1), (16, 33, 1, 2), (160, 64, 10, 2), (131, 48, 9, 2)])
  func padding(rows: Int, columns: Int, tiles: Int, blocks: Int) throws {
    for codec in PackedCodec.allCases {
      let layout = try PackedLayout(codec: codec, rows: rows, columns: columns)
      #expect(layout.tiles == tiles)
      #expect(layout.blocks == blocks)
      #expect(layout.paddedRows == tiles * 16)
      let tileBytes = codec == .f16 ? columns * 32 : codec.rowScaleBytes + blocks * codec.blockBytes
      #expect(layout.tileBytes == tileBytes)
      #expect(layout.byteCount == tiles * tileBytes)
    }
  }

  @Test(
    "shapes that cannot be are refused",
    arguments: [(0, 1), (1, 0), (-1, 5), (5, -1), (Int.max, Int.max), (Int.max, 1)])
  func refusals(rows: Int, columns: Int) {
    for codec in PackedCodec.allCases {
      #expect(throws: TensorError.self) { try PackedLayout(codec: codec, rows: rows, columns: columns) }
    }
  }

  @Test("the linear int4 table is code − 8") func linearTable() {
    #expect(PackedCodec.linearInt4Table == [-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7])
  }
}
