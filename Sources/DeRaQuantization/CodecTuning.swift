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
}
