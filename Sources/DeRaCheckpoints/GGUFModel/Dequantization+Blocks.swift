/// The formats of 32-element blocks. The low nibbles of 16 bytes are elements 0…15, the high ones elements 16…31; a fifth
/// bit is bit `element` of a 32-bit word.
// swift-format-ignore: AlwaysUseLowerCamelCase
extension Dequantization {
  /// Scale (f16), 16 bytes of nibbles: scale · (code − 8).
  @Sendable static func q4_0(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    for index in 0..<16 {
      let byte = block.byte(2 + index)
      output[index] = scale * Float(Int32(byte & 15) - 8)
      output[index + 16] = scale * Float(Int32(byte >> 4) - 8)
    }
  }

  /// Scale and minimum (f16), 16 bytes of nibbles: scale · code + minimum.
  @Sendable static func q4_1(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    let minimum = block.half(2)
    for index in 0..<16 {
      let byte = block.byte(4 + index)
      output[index] = scale * Float(byte & 15) + minimum
      output[index + 16] = scale * Float(byte >> 4) + minimum
    }
  }

  /// Scale (f16), 32 fifth bits, 16 bytes of nibbles: scale · (code − 16).
  @Sendable static func q5_0(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    let fifths = UInt32(littleEndian: block.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
    for index in 0..<16 {
      let (low, high) = fiveBitCodes(block.byte(6 + index), fifths >> UInt32(index))
      output[index] = scale * Float(low - 16)
      output[index + 16] = scale * Float(high - 16)
    }
  }

  /// Scale and minimum (f16), 32 fifth bits, 16 bytes of nibbles: scale · code + minimum.
  @Sendable static func q5_1(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    let minimum = block.half(2)
    let fifths = UInt32(littleEndian: block.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    for index in 0..<16 {
      let (low, high) = fiveBitCodes(block.byte(8 + index), fifths >> UInt32(index))
      output[index] = scale * Float(low) + minimum
      output[index + 16] = scale * Float(high) + minimum
    }
  }

  /// Scale (f16), 32 signed bytes.
  @Sendable static func q8_0(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    for index in 0..<32 { output[index] = Float(Int8(bitPattern: block.byte(2 + index))) * scale }
  }

  /// Codes 0…31 of elements `i` and `i + 16`, whose fifth bits are bits 0 and 16 of `fifths`.
  private static func fiveBitCodes(_ byte: UInt8, _ fifths: UInt32) -> (low: Int32, high: Int32) {
    (Int32(byte & 15) | Int32(fifths & 1) << 4, Int32(byte >> 4) | Int32((fifths >> 16) & 1) << 4)
  }
}
