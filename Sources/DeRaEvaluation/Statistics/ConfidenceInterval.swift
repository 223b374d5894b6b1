import RealModule

/// The values that a figure can have. Its intervals stay among them.
package enum ValueRange: Sendable, Equatable {
  case any
  case nonNegative
  case nonPositive
  /// A share, from 0 to 1.
  case share
}

/// A mean with its 95 % confidence interval by Student's t over independent groups.
///
/// Samples of one prompt are not independent of each other, so the groups are the prompts and a group's value is the mean
/// over its seeds; with a single prompt the groups are the samples. With s² the unbiased variance of the n groups' values and
/// h = t(0.975, n − 1) · s / √n, the interval of the mean m is m ± h where every value is possible. Towards a limit it is
/// taken on a scale without ends, to which h is carried over in first order: the end nearer to 0 of a figure with a sign is
/// m · exp(−h / |m|), and a share's ends are those of ln(m / (1 − m)) ± h / (m (1 − m)). A share of 0 or 1 has Wilson's
/// interval of n trials.
package struct ConfidenceInterval: Sendable, Equatable, Codable {
  package var mean: Double
  /// nil for fewer than two groups, like `high`.
  package var low: Double?
  package var high: Double?

  /// nil without a value.
  /// - Parameter groups: the values of each prompt's samples; empty groups do not count.
  package init?(_ groups: [[Double]], in range: ValueRange = .any) {
    let filled = groups.filter { !$0.isEmpty }
    let values = filled.count == 1 ? filled[0] : filled.map { $0.reduce(0, +) / Double($0.count) }
    guard !values.isEmpty else { return nil }
    let count = Double(values.count)
    mean = values.reduce(0, +) / count
    guard values.count > 1 else { return }
    let variance = values.reduce(0.0) { [mean] in $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
    let half = studentQuantile(degrees: values.count - 1) * (variance / count).squareRoot()
    let interval = Self.interval(mean, half: half, groups: values.count, range)
    (low, high) = (interval.low, interval.high)
  }

  /// Both ends, where there are two.
  package var interval: Interval? {
    guard let low, let high else { return nil }
    return Interval(low: low, high: high)
  }

  private static func interval(_ mean: Double, half: Double, groups: Int, _ range: ValueRange) -> Interval {
    switch range {
    case .nonNegative where mean > 0:
      return Interval(low: mean * Double.exp(-half / mean), high: mean + half)
    case .nonPositive where mean < 0:
      return Interval(low: mean - half, high: mean * Double.exp(half / mean))
    case .share where mean > 0 && mean < 1:
      let factor = Double.exp(half / (mean * (1 - mean)))
      let odds = mean / (1 - mean)
      return Interval(low: odds / factor / (1 + odds / factor), high: 1 / (1 + 1 / (odds * factor)))
    case .share where mean == 0 || mean == 1:
      let wilson = Interval(wilson: mean * Double(groups), of: groups)
      return Interval(low: mean == 0 ? 0 : wilson.low, high: mean == 1 ? 1 : wilson.high)
    case .any, .nonNegative, .nonPositive, .share: return Interval(low: mean - half, high: mean + half)
    }
  }
}

/// t such that a Student variable of `degrees` ≥ 1 degrees of freedom lies in ±t with probability 0.95.
package func studentQuantile(degrees: Int) -> Double {
  var (low, high) = (1.0, 16.0)
  // Each step halves the interval; 60 leave only rounding.
  for _ in 0..<60 {
    let middle = (low + high) / 2
    if studentProbability(within: middle, degrees: degrees) < 0.95 { low = middle } else { high = middle }
  }
  return (low + high) / 2
}

/// P(|T| < t) by the finite series of Abramowitz and Stegun, 26.7.3 and 26.7.4.
private func studentProbability(within t: Double, degrees: Int) -> Double {
  let angle = Double.atan(t / Double(degrees).squareRoot())
  let (sine, cosine) = (Double.sin(angle), Double.cos(angle))
  let isOdd = degrees % 2 == 1
  var term = isOdd ? cosine : 1.0
  var sum = degrees == 1 ? 0 : term
  var factor = isOdd ? 3 : 2
  while factor < degrees {
    term *= Double(factor - 1) / Double(factor) * cosine * cosine
    sum += term
    factor += 2
  }
  return isOdd ? 2 / Double.pi * (angle + sine * sum) : sine * sum
}
