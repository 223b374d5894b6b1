import DeRaTensorCore

extension PackedCodec {
  /// Bound on `PackingStatistics.relativeRMS` for weights drawn from a normal distribution.
  ///
  /// - f16: rounding to 11 bits, at most 2⁻¹¹ of each weight; half of it covers the mean.
  /// - int8: a step is about 2.1 σ / 127 (the mean maximum of 32 normal weights) and its error step/√12: 0.0048. The
  ///   largest maximum a block can reasonably have does not move the mean by more than a third.
  /// - int6: the same with 2.1 σ / 32: 0.0193 measured.
  /// - int4: the same with 2.1 σ / 8 and clipping allowed: 0.081 measured for the search that is used, 0.086 for none.
  /// - int2, ternary, int1: the best quantisers of that many levels leave relative errors e of 0.345, 0.436 and 0.603 (Max,
  ///   "Quantizing for minimum distortion", 1960); a gain of 1 makes them e / √(1 − e²).
  package var relativeRMSTolerance: Double {
    switch self {
    case .f16: 0x1p-12
    case .int8: 0.0065
    case .int6: 0.0205
    case .int4: 0.083
    case .int2: 0.375
    case .ternary: 0.49
    case .int1: 0.76
    }
  }
}
