/// Conversions of stored numbers to f32 by integer arithmetic, which vectorises on every machine and gives the same bits
/// on all of them (infinities and NaNs stay what they are).
package enum FloatConversion {
  /// `count` little-endian f32 at `source`, which need not be aligned.
  package static func f32(_ source: UnsafeRawPointer, count: Int, to output: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(output).copyMemory(from: source, byteCount: count * MemoryLayout<Float>.stride)
  }

  /// `count` little-endian bfloat16 at `source`, which need not be aligned.
  package static func bf16(_ source: UnsafeRawPointer, count: Int, to output: UnsafeMutablePointer<Float>) {
    for index in 0..<count {
      let bits = source.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
      output[index] = Float(bitPattern: UInt32(bits) << 16)
    }
  }

  /// `count` little-endian IEEE halves at `source`, which need not be aligned.
  package static func f16(_ source: UnsafeRawPointer, count: Int, to output: UnsafeMutablePointer<Float>) {
    for index in 0..<count {
      output[index] = half(source.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
    }
  }

  /// The value of an IEEE half, without a branch.
  @inline(__always)
  package static func half(_ bits: UInt16) -> Float {
    let magnitude = UInt32(bits & 0x7fff)
    let sign = UInt32(bits & 0x8000) << 16
    // 0.5 has the unit of a subnormal half, 2⁻²⁴, in its last place.
    let subnormal = (Float(bitPattern: 0x3f00_0000 | magnitude) - 0.5).bitPattern
    let normal = magnitude << 13 &+ 112 << 23
    let infinite: UInt32 = magnitude >= 0x7c00 ? 112 << 23 : 0
    return Float(bitPattern: sign | (magnitude < 0x400 ? subnormal : normal &+ infinite))
  }
}
