internal import CDeRaKernels
import DeRaTensorCore

/// A matrix `[layout.rows, layout.columns]` in packed form; a view that owns nothing.
package struct PackedMatrix: @unchecked Sendable {
  package let layout: PackedLayout
  /// `layout.byteCount` bytes.
  package let bytes: UnsafeRawPointer
  /// int4: the 16 values of the codes; nil where they are linear (code − 8), which is faster.
  package let table: UnsafePointer<Int8>?
  /// The codec's number among the kernels.
  let format: ck_format

  /// - Parameters:
  ///   - bytes: `layout.byteCount` bytes that outlive every use of the matrix.
  ///   - table: 16 values in `PackedCodec.int4TableRange`, of which the same holds; used by int4 only, nil: linear.
  package init(layout: PackedLayout, bytes: UnsafeRawPointer, table: UnsafePointer<Int8>? = nil) {
    self.layout = layout
    self.bytes = bytes
    format = layout.codec.format
    let isLinear = table.map { UnsafeBufferPointer(start: $0, count: 16).elementsEqual(PackedCodec.linearInt4Table) }
    self.table = isLinear == false ? table : nil
  }

  /// Writes row `row` as `layout.columns` f32 values.
  package func unpack(row: Int, into output: UnsafeMutablePointer<Float>) {
    precondition(row >= 0 && row < layout.rows, "row outside the matrix")
    withUnsafePointer(to: view(from: 0)) { ck_unpack($0, format, row, output) }
  }

  /// The matrix from a tile on.
  func view(from tile: Int) -> ck_matrix {
    ck_matrix(
      bytes: (bytes + tile * layout.tileBytes).assumingMemoryBound(to: UInt8.self), blocks: layout.blocks,
      columns: layout.columns, table: table)
  }
}

extension PackedCodec {
  fileprivate var format: ck_format { Self.formats.first { $0.codec == self }?.format ?? CK_FORMAT_f16 }

  /// The kernels' rows of all codecs, found by name and compared.
  private static let formats: [(codec: PackedCodec, format: ck_format)] = allCases.map { codec in
    for number in 0..<CK_FORMAT_COUNT.rawValue where String(cString: ck_row(ck_format(number)).name) == codec.rawValue {
      precondition(
        ck_row(ck_format(number)).hasFacts(of: codec), "CK_FORMATS has other facts of \(codec) than PackedCodec")
      return (codec, ck_format(number))
    }
    preconditionFailure("CK_FORMATS has no row for \(codec)")
  }
}

extension ck_format_row {
  fileprivate func hasFacts(of codec: PackedCodec) -> Bool {
    guard let form = codec.form else { return bits.0 == 0 }
    return Int(bits.0) == form.bits.0 && Int(bits.1) == form.bits.1 && Int(factor) == form.factor
      && Int(offset) == form.offset && (scales_rows != 0) == form.scalesRows && (takes_table != 0) == form.takesTable
      && ck_block_bytes(self) == codec.blockBytes && ck_tile_start(self) == codec.rowScaleBytes
  }
}
