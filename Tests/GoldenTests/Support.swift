import DeRaPlatform
import RealModule

func exponential(_ x: Double) -> Double { Double.exp(x) }

func logSoftmax(_ logits: [Float]) -> [Double] {
  let peak = Double(logits.max() ?? 0)
  let sum = logits.reduce(0.0) { $0 + exponential(Double($1) - peak) }
  return logits.map { Double($0) - peak - Double.log(sum) }
}
