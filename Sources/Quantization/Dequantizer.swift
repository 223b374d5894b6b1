import TensorCore

/// The reference reading of packed matrices: slow and plain, what every kernel is held against.
public struct Dequantizer: Sendable {
  public let layout: PackedLayout
  /// The 16 values of int4 codes.
  public let table: [Int8]

  /// - Parameter table: 16 values for int4 codes; others are not looked at.
  public init(layout: PackedLayout, table: [Int8] = PackedCodec.linearInt4Table) {
    precondition(table.count == 16, "a table of 4-bit codes has 16 values")
    self.layout = layout
    self.table = table
  }

  /// Unpacks the rows of `tiles`.
  ///
  /// - Parameters:
  ///   - packed: the bytes of these tiles, `tiles.count * layout.tileBytes`.
  ///   - weights: `[rows of the tiles, layout.columns]`, row-major; rows past the end of the matrix are left out.
  public func unpack(
    tiles: Range<Int>, packed: UnsafeRawBufferPointer, into weights: UnsafeMutableBufferPointer<Float>
  ) {
    let rows = Packer(layout: layout).rows(of: tiles)
    precondition(packed.count == tiles.count * layout.tileBytes, "packed bytes are not the size of the tiles")
    precondition(weights.count == rows.count * layout.columns, "weights are not the size of the tiles")
    for row in 0..<rows.count {
      let tileStart = row / PackedLayout.tileRows * layout.tileBytes
      for column in 0..<layout.columns {
        let blockStart = tileStart + column / PackedLayout.blockColumns * layout.codec.blockBytes
        weights[row * layout.columns + column] = value(
          packed, blockStart: blockStart, row: row % PackedLayout.tileRows, column: column % PackedLayout.blockColumns)
      }
    }
  }

  /// One weight of a block: `row` in 0..<16, `column` in 0..<32.
  private func value(_ packed: UnsafeRawBufferPointer, blockStart: Int, row: Int, column: Int) -> Float {
    func half(_ offset: Int) -> Float {
      HalfPrecision.value(
        UInt16(littleEndian: packed.loadUnaligned(fromByteOffset: blockStart + offset, as: UInt16.self)))
    }
    switch layout.codec {
    case .f16:
      return half(column * 32 + row * 2)
    case .int8:
      let code = Int8(bitPattern: packed[blockStart + 32 + column / 4 * 64 + row * 4 + column % 4])
      return Float(code) * half(row * 2)
    case .int4:
      let byte = packed[blockStart + 32 + column / 8 * 64 + row * 4 + column % 4]
      let code = column % 8 < 4 ? byte & 15 : byte >> 4
      return Float(table[Int(code)]) * half(row * 2)
    }
  }
}
