import DeRaPlatform
import RealModule

/// A path in the temporary directory; the file is removed with the value.
final class TemporaryFile {
  let path: String

  init(suffix: String) {
    path = "/tmp/dera-test-\(getpid())-\(UInt64.random(in: 0 ..< .max))\(suffix)"
  }

  deinit { unlink(path) }
}

func exponential(_ x: Double) -> Double { Double.exp(x) }

func logSoftmax(_ logits: [Float]) -> [Double] {
  let peak = Double(logits.max() ?? 0)
  let sum = logits.reduce(0.0) { $0 + exponential(Double($1) - peak) }
  return logits.map { Double($0) - peak - Double.log(sum) }
}
