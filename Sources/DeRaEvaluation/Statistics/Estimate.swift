import DeRaText
import RealModule

/// A figure with its standard error.
package struct Estimate: Sendable, Equatable, Codable {
  package var value: Double
  /// One standard error.
  package var error: Double

  package init(value: Double, error: Double) {
    self.value = value
    self.error = error
  }

  /// Mean of values taken as independent; its variance is (E[x²] − E[x]²) / (n − 1), as llama.cpp's tools have it.
  package init(meanOf values: some Collection<Double>) {
    let mean = values.reduce(0, +) / Double(values.count)
    self.init(value: mean, error: covarianceOfMeans(values, values).squareRoot())
  }

  /// A share of `count` trials, with the binomial standard error √(p (1 − p) / (n − 1)).
  package init(shareOf successes: Int, in count: Int) {
    let share = Double(successes) / Double(count)
    self.init(value: share, error: count > 1 ? (share * (1 - share) / Double(count - 1)).squareRoot() : 0)
  }

  /// eˣ, the error carried over in first order.
  package var exponential: Estimate {
    let power = Double.exp(value)
    // Beyond the largest number nothing is known of the error; infinity times 0 would be no number.
    return Estimate(value: power, error: power.isFinite ? power * error : .infinity)
  }

  /// √x, the error carried over in first order; a root of 0 has error 0.
  package var squareRoot: Estimate {
    let root = value.squareRoot()
    return Estimate(value: root, error: root > 0 ? 0.5 * error / root : 0)
  }

  /// `left − right` of two means with this covariance.
  static func difference(_ left: Estimate, _ right: Estimate, covariance: Double) -> Estimate {
    guard left.value.isFinite && right.value.isFinite else {
      return Estimate(value: left.value == right.value ? 0 : left.value - right.value, error: .infinity)
    }
    let variance = left.error * left.error + right.error * right.error - 2 * covariance
    return Estimate(value: left.value - right.value, error: max(variance, 0).squareRoot())
  }
}

/// Covariance of the means of two columns of pairs: (E[xy] − E[x] E[y]) / (n − 1); 0 for fewer than two.
func covarianceOfMeans(_ left: some Collection<Double>, _ right: some Collection<Double>) -> Double {
  let count = Double(left.count)
  guard count > 1 else { return 0 }
  let leftMean = left.reduce(0, +) / count
  let rightMean = right.reduce(0, +) / count
  let sum = zip(left, right).reduce(0.0) { $0 + ($1.0 - leftMean) * ($1.1 - rightMean) }
  return sum / count / (count - 1)
}

/// The value below which `fraction` of the values lie, linear between ranks (NumPy's and llama.cpp's rule).
/// - Parameter sorted: ascending, not empty.
func percentile(_ sorted: [some BinaryFloatingPoint], _ fraction: Double) -> Double {
  let rank = min(max(fraction, 0), 1) * Double(sorted.count - 1)
  let index = Int(rank)
  let rest = rank - Double(index)
  return (1 - rest) * Double(sorted[index]) + rest * Double(sorted[min(index + 1, sorted.count - 1)])
}

/// `12.3456 ± 0.0123`
package func estimateText(_ estimate: Estimate, _ decimals: Int) -> String {
  "\(fixed(estimate.value, decimals)) ± \(fixed(estimate.error, decimals))"
}
