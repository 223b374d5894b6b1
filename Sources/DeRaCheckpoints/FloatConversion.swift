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

  /// `count` little-endian f64 at `source`, which need not be aligned, each rounded to f32.
  package static func f64(_ source: UnsafeRawPointer, count: Int, to output: UnsafeMutablePointer<Float>) {
    for index in 0..<count {
      let bits = source.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)
      output[index] = Float(Double(bitPattern: UInt64(littleEndian: bits)))
    }
  }

  /// `count` bytes through a table of their 256 values.
  package static func bytes(
    _ source: UnsafeRawPointer, count: Int, through table: [Float], to output: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<count { output[index] = table[Int(source.load(fromByteOffset: index, as: UInt8.self))] }
  }

  /// The 8-bit floats of machine learning (arXiv 2209.05433), by byte. E4M3 has no infinities; E5M2 is the upper byte of a half.
  package static let e4m3: [Float] = (0..<256).map { byte in
    let magnitude = byte & 0x7f
    let (exponent, fraction) = (magnitude >> 3, Float(magnitude & 7))
    let value =
      magnitude == 0x7f
      ? Float.nan
      : exponent == 0
        ? fraction * 0x1p-9 : (1 + fraction / 8) * Float(sign: .plus, exponent: exponent - 7, significand: 1)
    return byte < 0x80 ? value : -value
  }
  package static let e5m2: [Float] = (0..<256).map { half(UInt16($0) << 8) }
  /// Powers of two, the scales of the OCP microscaling formats; 255 is NaN.
  package static let e8m0: [Float] = (0..<256).map { byte in
    byte == 255 ? .nan : Float(Double(sign: .plus, exponent: byte - 127, significand: 1))
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
