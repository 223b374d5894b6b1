import DeRaGGUF

/// Decodes ggml's block formats to f32, bit for bit as PyPI gguf's `quants.dequantize`: products and sums are rounded
/// one after the other, in its order.
///
/// Block layouts: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h
package enum Dequantization {
  /// Decodes `blocks` blocks at `source` (not necessarily aligned) to `blocks · blockElements` numbers at `output`.
  typealias Decoder =
    @Sendable (_ source: UnsafeRawPointer, _ blocks: Int, _ output: UnsafeMutablePointer<Float>) -> Void

  package static let supportedTypes = GGMLType.allCases.filter { decoder(for: $0) != nil }

  /// Nil for types that hold no weights or are not supported.
  static func decoder(for type: GGMLType) -> Decoder? {
    switch type {
    case .f32: { FloatConversion.f32($0, count: $1, to: $2) }
    case .f16: { FloatConversion.f16($0, count: $1, to: $2) }
    case .bf16: { FloatConversion.bf16($0, count: $1, to: $2) }
    case .q4_0: eachBlock(type, q4_0)
    case .q4_1: eachBlock(type, q4_1)
    case .q5_0: eachBlock(type, q5_0)
    case .q5_1: eachBlock(type, q5_1)
    case .q8_0: eachBlock(type, q8_0)
    case .q2_K: eachBlock(type, q2_K)
    case .q3_K: eachBlock(type, q3_K)
    case .q4_K: eachBlock(type, q4_K)
    case .q5_K: eachBlock(type, q5_K)
    case .q6_K: eachBlock(type, q6_K)
    default: nil
    }
  }

  private static func eachBlock(
    _ type: GGMLType, _ decode: @escaping @Sendable (UnsafeRawPointer, UnsafeMutablePointer<Float>) -> Void
  ) -> Decoder {
    let bytes = type.blockBytes
    let elements = type.blockElements
    return { source, blocks, output in
      for block in 0..<blocks { decode(source + block * bytes, output + block * elements) }
    }
  }
}

extension UnsafeRawPointer {
  func byte(_ offset: Int) -> UInt8 { load(fromByteOffset: offset, as: UInt8.self) }

  /// The f16 at `offset`.
  func half(_ offset: Int) -> Float {
    FloatConversion.half(UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
  }
}
