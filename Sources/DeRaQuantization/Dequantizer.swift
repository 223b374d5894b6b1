import DeRaTensorCore

/// The reference reading of packed matrices: slow and plain, what every kernel is held against.
package struct Dequantizer: Sendable {
  package let layout: PackedLayout
  /// The 16 values of int4 codes.
  package let table: [Int8]

  /// - Parameter table: 16 values for int4 codes; others are not looked at.
  package init(layout: PackedLayout, table: [Int8] = PackedCodec.linearInt4Table) {
    precondition(table.count == 16, "a table of 4-bit codes has 16 values")
    self.layout = layout
    self.table = table
  }

  /// Unpacks the rows of `tiles`.
  ///
  /// - Parameters:
  ///   - packed: the bytes of these tiles, `tiles.count * layout.tileBytes`.
  ///   - weights: `[rows of the tiles, layout.columns]`, row-major; rows past the end of the matrix are left out.
  package func unpack(
    tiles: Range<Int>, packed: UnsafeRawBufferPointer, into weights: UnsafeMutableBufferPointer<Float>
  ) {
    let rows = Packer(layout: layout).rows(of: tiles)
    precondition(packed.count == tiles.count * layout.tileBytes, "packed bytes are not the size of the tiles")
    precondition(weights.count == rows.count * layout.columns, "weights are not the size of the tiles")
    for row in 0..<rows.count {
      let tileStart = row / PackedLayout.tileRows * layout.tileBytes
      let tileRow = row % PackedLayout.tileRows
      let rowScale = layout.codec.rowScaleBytes > 0 ? rowScale(packed, at: tileStart + tileRow * 4) : 1
      for column in 0..<layout.columns {
        let blockStart =
          tileStart + layout.codec.rowScaleBytes + column / PackedLayout.blockColumns * layout.codec.blockBytes
        weights[row * layout.columns + column] =
          rowScale * value(packed, blockStart: blockStart, row: tileRow, column: column % PackedLayout.blockColumns)
      }
    }
  }

  private func rowScale(_ packed: UnsafeRawBufferPointer, at offset: Int) -> Float {
    Float(bitPattern: UInt32(littleEndian: packed.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
  }

  /// One weight of a block, to be multiplied by its row's scale where there is one: `row` in 0..<16, `column` in 0..<32.
  private func value(_ packed: UnsafeRawBufferPointer, blockStart: Int, row: Int, column: Int) -> Float {
    func half(_ offset: Int) -> Float {
      HalfPrecision.value(
        UInt16(littleEndian: packed.loadUnaligned(fromByteOffset: blockStart + offset, as: UInt16.self)))
    }
    /// Codes of `bits` bits: groups of 4 columns follow each other in the bits of 64 bytes, then in the next 64.
    func code(_ offset: Int, bits: Int) -> Int {
      let group = column / 4
      let byte = packed[blockStart + offset + group * bits / 8 * 64 + row * 4 + column % 4]
      return Int(byte) >> (group * bits % 8) & (1 << bits - 1)
    }
    switch layout.codec {
    case .f16:
      return half(column * 32 + row * 2)
    case .int8:
      return Float(Int8(truncatingIfNeeded: code(32, bits: 8))) * half(row * 2)
    case .int6:
      return Float(code(32, bits: 4) + code(32 + 256, bits: 2) * 16 - 32) * half(row * 2)
    case .int4:
      return Float(table[code(32, bits: 4)]) * half(row * 2)
    case .int2:
      return Float(2 * code(0, bits: 2) - 3)
    case .ternary:
      return Float(code(0, bits: 2) - 1)
    case .int1:
      return Float(2 * code(0, bits: 1) - 1)
    }
  }
}
