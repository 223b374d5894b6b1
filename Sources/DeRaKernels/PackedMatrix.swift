internal import CDeRaKernels
import DeRaTensorCore

/// A matrix `[layout.rows, layout.columns]` in packed form; a view that owns nothing.
package struct PackedMatrix: @unchecked Sendable {
  package let layout: PackedLayout
  /// `layout.byteCount` bytes.
  package let bytes: UnsafeRawPointer
  /// int4: the 16 values of the codes; nil where they are linear (code − 8), which is faster.
  package let table: UnsafePointer<Int8>?

  /// - Parameters:
  ///   - bytes: `layout.byteCount` bytes that outlive every use of the matrix.
  ///   - table: 16 values in `PackedCodec.int4TableRange`, of which the same holds; used by int4 only, nil: linear.
  package init(layout: PackedLayout, bytes: UnsafeRawPointer, table: UnsafePointer<Int8>? = nil) {
    self.layout = layout
    self.bytes = bytes
    let isLinear = table.map { UnsafeBufferPointer(start: $0, count: 16).elementsEqual(PackedCodec.linearInt4Table) }
    self.table = isLinear == false ? table : nil
  }

  /// Writes row `row` as `layout.columns` f32 values.
  package func unpack(row: Int, into output: UnsafeMutablePointer<Float>) {
    precondition(row >= 0 && row < layout.rows, "row outside the matrix")
    withUnsafePointer(to: view(from: 0)) {
      switch layout.codec {
      case .f16: ck_unpack_f16($0, row, output)
      case .int8: ck_unpack_int8($0, row, output)
      case .int6: ck_unpack_int6($0, row, output)
      case .int4: ck_unpack_int4($0, row, output)
      case .int2: ck_unpack_int2($0, row, output)
      case .ternary: ck_unpack_ternary($0, row, output)
      case .int1: ck_unpack_int1($0, row, output)
      }
    }
  }

  /// The matrix from a tile on.
  func view(from tile: Int) -> ck_matrix {
    ck_matrix(
      bytes: (bytes + tile * layout.tileBytes).assumingMemoryBound(to: UInt8.self), blocks: layout.blocks,
      columns: layout.columns, table: table)
  }
}
