/// The byte order of a packed matrix of `rows` outputs and `columns` inputs: the contract between the packer and every kernel.
///
/// Rows are cut into tiles of 16, inputs into blocks of 32; rows are padded to whole tiles with zero weights, inputs to
/// whole blocks (f16: not at all) with weights that meet activations of zero. Tiles follow each other. A tile is its 16
/// f32 row scales, where the codec has those, and then its blocks; one block is
///
/// - `int8`: 16 f16 scales (one a row), then 8 groups of 64 bytes; group `g` holds, row after row, the codes of the
///   4 inputs `4g ..< 4g+4` of that row.
/// - `int6`: 16 f16 scales, then the low 4 bits of the codes in the order of `int4` (256 bytes), then their high 2 bits in
///   the order of `int2` (128 bytes). The value is the code − 32.
/// - `int4`: 16 f16 scales, then 4 groups of 64 bytes; byte `4·row + j` of group `g` holds input `8g + j` in its low
///   nibble and input `8g + 4 + j` in its high nibble.
/// - `int2`, `ternary`: 2 groups of 64 bytes; byte `4·row + j` of group `g` holds inputs `16g + 4i + j`, i = 0…3, in its
///   bits 2i and 2i+1. The value is 2·code − 3; ternary: code − 1, and 3 does not occur.
/// - `int1`: 64 bytes; byte `4·row + j` holds inputs `4i + j`, i = 0…7, in its bit i. The value is 2·bit − 1.
/// - `f16`: 32 groups of 32 bytes, fewer in the last block; group `c` holds input `c` of the 16 rows.
///
/// All numbers are little-endian.
package struct PackedLayout: Sendable, Equatable {
  package static let tileRows = 16
  package static let blockColumns = 32

  package let codec: PackedCodec
  package let rows: Int
  package let columns: Int

  /// - Throws: `TensorError.badShape` when a side is not positive or the packed size does not fit in `Int`.
  package init(codec: PackedCodec, rows: Int, columns: Int) throws(TensorError) {
    guard rows > 0, columns > 0 else { throw .badShape("packed matrix needs positive sides, not \(rows) × \(columns)") }
    let tiles = (rows - 1) / Self.tileRows + 1
    let blocks = (columns - 1) / Self.blockColumns + 1
    guard let blockBytes = try? CheckedSize.product(blocks, codec.blockBytes),
      let tileBytes = try? CheckedSize.sum(blockBytes, codec.rowScaleBytes),
      (try? CheckedSize.product(tiles, tileBytes)) != nil
    else { throw .badShape("packed matrix \(rows) × \(columns) is larger than the address space") }
    self.codec = codec
    self.rows = rows
    self.columns = columns
  }

  /// Number of 16-row tiles.
  package var tiles: Int { (rows - 1) / Self.tileRows + 1 }
  /// Number of 32-input blocks in a tile, the last one perhaps not full.
  package var blocks: Int { (columns - 1) / Self.blockColumns + 1 }
  /// Rows after padding: what an output column must have room for.
  package var paddedRows: Int { tiles * Self.tileRows }
  package var tileBytes: Int {
    codec == .f16 ? columns * Self.tileRows * 2 : codec.rowScaleBytes + blocks * codec.blockBytes
  }
  package var byteCount: Int { tiles * tileBytes }
}
