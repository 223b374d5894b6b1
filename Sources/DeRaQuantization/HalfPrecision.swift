/// IEEE half precision by integer arithmetic: the machines we convert on need no half-precision instructions, and the
/// result is the same on all of them.
package enum HalfPrecision {
  /// Largest finite half, 65504.
  package static let greatest: Float = 65504

  /// The half nearest to `value`, ties to even; what would overflow becomes ±65504, NaN becomes a NaN.
  package static func bits(_ value: Float) -> UInt16 {
    let sign = value.bitPattern >> 16 & 0x8000
    let magnitude = value.bitPattern & 0x7fff_ffff
    if magnitude > 0x7f80_0000 { return UInt16(sign | 0x7e00) }
    if magnitude >= overflowBits { return UInt16(sign | greatestBits) }
    if magnitude < smallestNormalBits {
      return UInt16(sign | ((Float(bitPattern: magnitude) + subnormalAnchor).bitPattern - subnormalAnchor.bitPattern))
    }
    return UInt16(sign | (magnitude - rebias + 0xfff + (magnitude >> 13 & 1)) >> 13)
  }

  /// The value of a half; infinities and NaNs stay what they are.
  package static func value(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let magnitude = UInt32(bits & 0x7fff)
    if magnitude >= 0x7c00 { return Float(bitPattern: sign | 0x7f80_0000 | magnitude << 13) }
    if magnitude < 0x400 { return Float(bitPattern: sign | (Float(magnitude) * 0x1p-24).bitPattern) }
    return Float(bitPattern: sign | (magnitude << 13 + rebias))
  }

  /// `bits(_:)` of finite values, each in the low half of its lane.
  @inline(__always)
  static func bits(_ values: SIMD16<Float>) -> SIMD16<UInt32> {
    let pattern = unsafeBitCast(values, to: SIMD16<UInt32>.self)
    let magnitude = pattern & 0x7fff_ffff
    let absolute = unsafeBitCast(magnitude, to: SIMD16<Float>.self)
    let anchored = unsafeBitCast(absolute + subnormalAnchor, to: SIMD16<UInt32>.self)
    var half = (magnitude &- rebias &+ 0xfff &+ (magnitude &>> 13 & 1)) &>> 13
    half.replace(with: anchored &- subnormalAnchor.bitPattern, where: absolute .< Float(bitPattern: smallestNormalBits))
    half.replace(with: greatestBits, where: absolute .>= Float(bitPattern: overflowBits))
    return half | (pattern &>> 16 & 0x8000)
  }

  /// Values of finite halves, each in the low half of its lane.
  @inline(__always)
  static func values(_ bits: SIMD16<UInt32>) -> SIMD16<Float> {
    // The multiplication corrects the exponent's bias, of subnormal halves too.
    let absolute = unsafeBitCast((bits & 0x7fff) &<< 13, to: SIMD16<Float>.self) * 0x1p112
    return unsafeBitCast(
      unsafeBitCast(absolute, to: SIMD16<UInt32>.self) | (bits & 0x8000) &<< 16, to: SIMD16<Float>.self)
  }

  private static var greatestBits: UInt32 { 0x7bff }
  /// Magnitudes from here on, 65520, would round to infinity.
  private static var overflowBits: UInt32 { 0x477f_f000 }
  /// Smallest normal half, 2⁻¹⁴, as a float's bits.
  private static var smallestNormalBits: UInt32 { 0x3880_0000 }
  /// Difference of the exponent biases, in a float's exponent field.
  private static var rebias: UInt32 { 112 << 23 }
  /// One half: its last bit is 2⁻²⁴, the last bit of a subnormal half, so adding it rounds to one.
  private static var subnormalAnchor: Float { 0.5 }
}
