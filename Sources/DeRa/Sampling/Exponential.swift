/// e to the power of each lane, for arguments ≤ 0; below −708 the result is 0.
///
/// Our own, because the C libraries' `exp` differ in the last bit and a sampled token must not depend on the machine:
/// only IEEE additions and multiplications in a fixed order are used. Relative error below 4e-16.
package func exponential(ofNonPositive x: SIMD8<Double>) -> SIMD8<Double> {
  // x = n·ln 2 + r with |r| ≤ ln 2 / 2; ln 2 is split so that n·high is exact.
  let log2High = 6.931_471_803_691_238_164_90e-1
  let log2Low = 1.908_214_929_270_587_700_02e-10
  // Adding 1.5·2⁵² rounds to an integer, which then sits in the low bits, here with the exponent bias already added.
  let rounder = 0x1.8p52 + 1023
  let clamped = x.replacing(with: -708, where: x .< -708)
  let shifted = clamped * 1.442_695_040_888_963_407_36 + rounder
  let n = shifted - rounder
  let r = (clamped - n * log2High) - n * log2Low
  let power = unsafeBitCast(unsafeBitCast(shifted, to: SIMD8<UInt64>.self) &<< 52, to: SIMD8<Double>.self)
  return (exponentialSeries(r) * power).replacing(with: 0, where: x .< -708)
}

/// The same in f32: relative error below 5e-7; below −87 the result is 0.
package func exponential(ofNonPositive x: SIMD16<Float>) -> SIMD16<Float> {
  let log2High: Float = 0x1.62e4p-1
  let log2Low: Float = 0x1.7f7d1cp-20
  let rounder: Float = 0x1.8p23 + 127
  let clamped = x.replacing(with: -87, where: x .< -87)
  let shifted = clamped * 1.442_695_04 + rounder
  let n = shifted - rounder
  let r = (clamped - n * log2High) - n * log2Low
  let power = unsafeBitCast(unsafeBitCast(shifted, to: SIMD16<UInt32>.self) &<< 23, to: SIMD16<Float>.self)
  // Taylor's series to degree 6: the remainder is below 1.3e-7 for |r| ≤ 0.347.
  var sum = r * (1.0 / 720) + (1.0 / 120)
  sum = sum * r + (1.0 / 24)
  sum = sum * r + (1.0 / 6)
  sum = sum * r + 0.5
  sum = sum * r + 1
  sum = sum * r + 1
  return (sum * power).replacing(with: 0, where: x .< -87)
}

/// e to the power of one number ≤ 0; the same bits as the vector form.
package func exponential(ofNonPositive x: Double) -> Double { exponential(ofNonPositive: SIMD8(repeating: x))[0] }

/// Taylor's series to degree 13: the remainder is below 2e-18 for |r| ≤ 0.347.
private func exponentialSeries(_ r: SIMD8<Double>) -> SIMD8<Double> {
  var sum = SIMD8(repeating: 1.0 / 6_227_020_800)
  sum = sum * r + 1.0 / 479_001_600
  sum = sum * r + 1.0 / 39_916_800
  sum = sum * r + 1.0 / 3_628_800
  sum = sum * r + 1.0 / 362_880
  sum = sum * r + 1.0 / 40_320
  sum = sum * r + 1.0 / 5_040
  sum = sum * r + 1.0 / 720
  sum = sum * r + 1.0 / 120
  sum = sum * r + 1.0 / 24
  sum = sum * r + 1.0 / 6
  sum = sum * r + 0.5
  sum = sum * r + 1
  return sum * r + 1
}
