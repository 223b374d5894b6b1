/// How the weights of a packed matrix are coded.
///
/// The raw value is what a bundle stores, so it never changes meaning.
public enum PackedCodec: String, Sendable, CaseIterable {
  /// IEEE half precision, no scales.
  case f16
  /// Signed 8-bit codes −127…127, one f16 scale for every 32 columns of a row.
  case int8
  /// 4-bit codes 0…15 that select a value from a 16-entry table of Int8, one f16 scale for every 32 columns of a row.
  case int4
}

/// The byte order of a packed matrix `[rows, columns]`: the contract between the packer and every kernel.
///
/// Rows are cut into tiles of 16, columns into blocks of 32; rows and columns are padded with zero weights to whole
/// tiles and blocks. Tiles follow each other, and inside a tile its blocks follow each other. One block of one tile is
///
/// - `int8`: 16 f16 scales (one a row), then 8 groups of 64 bytes; group `g` holds, row after row, the codes of the
///   4 columns `4g ..< 4g+4` of that row.
/// - `int4`: 16 f16 scales, then 4 groups of 64 bytes; byte `4·row + j` of group `g` holds column `8g + j` in its low
///   nibble and column `8g + 4 + j` in its high nibble.
/// - `f16`: 32 groups of 32 bytes; group `c` holds column `c` of the 16 rows.
///
/// All numbers are little-endian.
public struct PackedLayout: Sendable, Equatable {
  public static let tileRows = 16
  public static let blockColumns = 32

  public let codec: PackedCodec
  public let rows: Int
  public let columns: Int

  /// - Throws: `TensorError.badShape` when a side is not positive or the packed size does not fit in `Int`.
  public init(codec: PackedCodec, rows: Int, columns: Int) throws(TensorError) {
    guard rows > 0, columns > 0 else { throw .badShape("packed matrix needs positive sides, not \(rows) × \(columns)") }
    let tiles = (rows - 1) / Self.tileRows + 1
    let blocks = (columns - 1) / Self.blockColumns + 1
    guard (try? CheckedSize.product(tiles, blocks, codec.blockBytes)) != nil else {
      throw .badShape("packed matrix \(rows) × \(columns) is larger than the address space")
    }
    self.codec = codec
    self.rows = rows
    self.columns = columns
  }

  /// Number of 16-row tiles.
  public var tiles: Int { (rows - 1) / Self.tileRows + 1 }
  /// Number of 32-column blocks in a tile.
  public var blocks: Int { (columns - 1) / Self.blockColumns + 1 }
  /// Columns after padding: what an activation column must provide.
  public var paddedColumns: Int { blocks * Self.blockColumns }
  /// Rows after padding: what an output column must have room for.
  public var paddedRows: Int { tiles * Self.tileRows }
  public var tileBytes: Int { blocks * codec.blockBytes }
  public var byteCount: Int { tiles * tileBytes }
}

extension PackedCodec {
  /// Bytes of one 16 × 32 block, scales included.
  public var blockBytes: Int {
    switch self {
    case .f16: 16 * 32 * 2
    case .int8: 16 * 2 + 16 * 32
    case .int4: 16 * 2 + 16 * 32 / 2
    }
  }

  /// Bits a weight takes in a matrix without padding.
  public var bitsPerWeight: Double { Double(blockBytes * 8) / Double(16 * 32) }

  /// The table of a linear int4 matrix: code − 8.
  public static let linearInt4Table: [Int8] = (0..<16).map { Int8($0 - 8) }
}
