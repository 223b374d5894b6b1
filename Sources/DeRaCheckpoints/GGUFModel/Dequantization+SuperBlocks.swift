/// The K formats: super-blocks of 256 elements whose sub-blocks have quantised scales (and minima) of their own.
// swift-format-ignore: AlwaysUseLowerCamelCase
extension Dequantization {
  /// 16 bytes of 4-bit scales (low) and minima (high) for 16 sub-blocks of 16, 64 bytes of 2-bit codes, scale of scales
  /// and of minima (f16).
  @Sendable static func q2_K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let scale = block.half(80)
    let minimum = block.half(82)
    for part in 0..<16 {
      let factor = scale * Float(block.byte(part) & 15)
      let offset = minimum * Float(block.byte(part) >> 4)
      for index in 0..<16 {
        output[16 * part + index] = factor * Float(twoBits(block + 16, part, index)) - offset
      }
    }
  }

  /// 32 bytes of third bits (clear: code − 4), 64 bytes of 2-bit codes, 16 6-bit scales in 12 bytes, scale of scales.
  @Sendable static func q3_K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let scale = block.half(108)
    for part in 0..<16 {
      let low = part < 8 ? block.byte(96 + part) & 15 : block.byte(88 + part) >> 4
      let high = (block.byte(104 + part % 4) >> UInt8(2 * (part / 4))) & 3
      let factor = scale * Float(Int32(low | high << 4) - 32)
      for index in 0..<16 {
        let third = (block.byte(16 * (part % 2) + index) >> UInt8(part / 2)) & 1
        let code = Int32(twoBits(block + 32, part, index)) - (third == 1 ? 0 : 4)
        output[16 * part + index] = factor * Float(code)
      }
    }
  }

  /// Scale of scales and of minima (f16), 8 6-bit scales and minima in 12 bytes, 128 bytes of nibbles.
  @Sendable static func q4_K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    for part in 0..<8 {
      let (factor, offset) = scaleAndMinimum(block, part)
      for index in 0..<32 {
        output[32 * part + index] = factor * Float(nibble(block + 16, part, index)) - offset
      }
    }
  }

  /// The layout of `q4_K`, with 32 bytes of fifth bits before the nibbles.
  @Sendable static func q5_K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    for part in 0..<8 {
      let (factor, offset) = scaleAndMinimum(block, part)
      for index in 0..<32 {
        let fifth = (block.byte(16 + index) >> UInt8(part)) & 1
        output[32 * part + index] = factor * Float(nibble(block + 48, part, index) | fifth << 4) - offset
      }
    }
  }

  /// 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales, scale of scales (f16): code − 32.
  @Sendable static func q6_K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let scale = block.half(208)
    for part in 0..<16 {
      let factor = scale * Float(Int8(bitPattern: block.byte(192 + part)))
      // Where the sub-block starts inside its half of 128 elements.
      let half = part / 8
      let start = 16 * (part % 8)
      for index in start..<start + 16 {
        let low = (block.byte(64 * half + index % 64) >> UInt8(4 * (index / 64))) & 15
        let high = (block.byte(128 + 32 * half + index % 32) >> UInt8(2 * (index / 32))) & 3
        output[128 * half + index] = factor * Float(Int32(low | high << 4) - 32)
      }
    }
  }

  /// The 2-bit code of element `index` of a sub-block of 16: 32 bytes hold 128 elements, 32 to each pair of bits.
  private static func twoBits(_ codes: UnsafeRawPointer, _ part: Int, _ index: Int) -> UInt8 {
    (codes.byte(32 * (part / 8) + 16 * (part % 2) + index) >> UInt8(2 * (part / 2 % 4))) & 3
  }

  /// The nibble of element `index` of a sub-block of 32: 32 bytes hold two sub-blocks.
  private static func nibble(_ codes: UnsafeRawPointer, _ part: Int, _ index: Int) -> UInt8 {
    (codes.byte(32 * (part / 2) + index) >> UInt8(4 * (part % 2))) & 15
  }

  /// Scale and minimum of a sub-block of `q4_K` and `q5_K`: bytes 4…15 hold the low 6 bits of four scales and four
  /// minima, then the low nibbles of the other four of each; their upper bits are the top bits of the first eight bytes.
  private static func scaleAndMinimum(_ block: UnsafeRawPointer, _ part: Int) -> (scale: Float, minimum: Float) {
    let packed = block + 4
    let scale: UInt8
    let minimum: UInt8
    if part < 4 {
      scale = packed.byte(part) & 63
      minimum = packed.byte(part + 4) & 63
    } else {
      scale = packed.byte(part + 4) & 15 | (packed.byte(part - 4) >> 6) << 4
      minimum = packed.byte(part + 4) >> 4 | (packed.byte(part) >> 6) << 4
    }
    return (block.half(0) * Float(scale), block.half(2) * Float(minimum))
  }
}
