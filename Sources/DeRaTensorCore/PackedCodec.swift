/// How the weights of a packed matrix are coded.
///
/// The raw value is what a bundle stores, so it never changes meaning.
package enum PackedCodec: String, Sendable, CaseIterable {
  /// IEEE half precision, no scales.
  case f16
  /// Signed 8-bit codes −127…127, one f16 scale for every 32 inputs of a row.
  case int8
  /// 6-bit codes that stand for −32…31, one f16 scale for every 32 inputs of a row.
  case int6
  /// 4-bit codes 0…15 that select a value from a 16-entry table of Int8, one f16 scale for every 32 inputs of a row.
  case int4
  /// 2-bit codes that stand for −3, −1, 1 and 3, one f32 scale a row; for the difference of two matrices.
  case int2
  /// 2-bit codes that stand for −1, 0 and 1, one f32 scale a row; for a difference that is often zero.
  case ternary
  /// One bit: −1 or 1, one f32 scale a row; for the difference of two matrices.
  case int1
}

extension PackedCodec {
  /// How the codes of a codec of integers lie and what they stand for: one row a codec. `CK_FORMATS` has the same facts for
  /// the kernels; a program whose two lists differ ends when it opens its first matrix.
  package struct Form: Sendable {
    /// Bits of a code in its first plane and in its second, 0 where there is none. 16 × 32 codes are 64 bytes a bit.
    package let bits: (Int, Int)
    /// Codes in use, of 2 to the number of bits; those of 8 bits are signed and leave out the least.
    package let codes: Int
    /// Code c stands for `factor · c + offset`, times a scale.
    package let factor: Int
    package let offset: Int
    /// One f32 scale a row, instead of one f16 scale for every 32 inputs of a row.
    package let scalesRows: Bool
    /// Whether the codes of a matrix may select the values of a table instead.
    package let takesTable: Bool

    fileprivate init(
      _ first: Int, _ second: Int = 0, codes: Int? = nil, factor: Int = 1, offset: Int, scalesRows: Bool = false,
      takesTable: Bool = false
    ) {
      bits = (first, second)
      self.codes = codes ?? 1 << (first + second)
      self.factor = factor
      self.offset = offset
      self.scalesRows = scalesRows
      self.takesTable = takesTable
    }

    package var codeBits: Int { bits.0 + bits.1 }
    package var isSigned: Bool { codeBits == 8 }
    /// The least and the greatest value, before they are scaled.
    package var least: Int { (isSigned ? -codes / 2 : 0) * factor + offset }
    package var greatest: Int { (isSigned ? codes / 2 : codes - 1) * factor + offset }
  }

  /// nil for f16, whose weights are no codes.
  package var form: Form? {
    switch self {
    case .f16: nil
    case .int8: Form(8, codes: 255, offset: 0)
    case .int6: Form(4, 2, offset: -32)
    case .int4: Form(4, offset: -8, takesTable: true)
    case .int2: Form(2, factor: 2, offset: -3, scalesRows: true)
    case .ternary: Form(2, codes: 3, offset: -1, scalesRows: true)
    case .int1: Form(1, factor: 2, offset: -1, scalesRows: true)
    }
  }

  /// Bytes of one full 16 × 32 block, its scales included.
  package var blockBytes: Int {
    guard let form else { return 16 * 32 * 2 }
    return (form.scalesRows ? 0 : 16 * 2) + 16 * 32 * form.codeBits / 8
  }

  /// Bytes of the f32 row scales at the start of a tile.
  package var rowScaleBytes: Int { form?.scalesRows == true ? 16 * 4 : 0 }

  /// Bits a weight takes in a matrix without padding, row scales not counted.
  package var bitsPerWeight: Double { Double(blockBytes * 8) / Double(16 * 32) }

  /// The range of the values of an int4 table: 6 bits, so that kernels can add products of 4 inputs in 16 bits.
  package static let int4TableRange: ClosedRange<Int8> = -32...31

  /// The table of a linear int4 matrix: code − 8.
  package static let linearInt4Table: [Int8] = (0..<16).map { Int8($0 - 8) }
}
