/// Weights that are no numbers.
package enum NonFinite {
  /// Replaces NaN by 0 and ±infinity by ±65504, the largest half.
  ///
  /// - Returns: how many weights were replaced.
  package static func replace(in weights: UnsafeMutableBufferPointer<Float>) -> Int {
    // A finite number less itself is zero; anything else poisons the sum. One quick pass usually settles it.
    var poison = SIMD16<Float>(repeating: 0)
    let whole = weights.count & ~15
    weights.withMemoryRebound(to: Float.self) { values in
      let raw = UnsafeRawBufferPointer(values)
      for index in stride(from: 0, to: whole, by: 16) {
        let lanes = raw.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self)
        poison += lanes - lanes
      }
    }
    guard poison != SIMD16(repeating: 0) || weights[whole...].contains(where: { !$0.isFinite }) else { return 0 }
    var count = 0
    for index in weights.indices where !weights[index].isFinite {
      let value = weights[index]
      weights[index] = value.isNaN ? 0 : value > 0 ? HalfPrecision.greatest : -HalfPrecision.greatest
      count += 1
    }
    return count
  }
}
