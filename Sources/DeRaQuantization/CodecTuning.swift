import DeRaTensorCore

/// The values that the coders of a codec try, found by measurement.
struct CodecTuning {
  /// Codes under block scales: the values that are tried for a row's weight of largest magnitude; empty: the greatest.
  var extremes: [Float] = []
  /// Codes under row scales: values of 1 that are tried, in units of the row's root mean square.
  var units: [Float] = []
}

extension PackedCodec {
  var tuning: CodecTuning {
    switch self {
    case .f16, .int8: CodecTuning()
    case .int6: CodecTuning(extremes: [-32, -31, -33, -30, -34])
    // With more of them, on either side of zero, the error of normally distributed weights falls by less than 0.4 %;
    // with −8 alone it is 3 % higher.
    case .int4: CodecTuning(extremes: [-8, -7, -7.5, -8.5, -9])
    // The best for a normal distribution is 0.50, for a Laplace distribution 0.54.
    case .int2: CodecTuning(units: [0.5, 0.4, 0.45, 0.55, 0.6, 0.7, 0.85])
    // For a normal distribution 1.22, for a Laplace distribution 1.4; higher where most weights are zero.
    case .ternary: CodecTuning(units: [1.2, 0.9, 1.05, 1.4, 1.6, 2, 2.6, 3.5, 5])
    case .int1: CodecTuning(units: [1])
    }
  }

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
