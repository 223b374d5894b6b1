import RealModule

/// A mean with the half width of its 95 % confidence interval by Student's t over independent groups.
///
/// Samples of one prompt are not independent of each other, so the groups are the prompts and a group's value is the mean
/// over its seeds; with a single prompt the groups are the samples. Half width t(0.975, n − 1) · s / √n, s² the unbiased variance of
/// the n groups' values.
package struct ConfidenceInterval: Sendable, Equatable, Codable {
  package var mean: Double
  /// nil for fewer than two groups.
  package var halfWidth: Double?

  enum CodingKeys: String, CodingKey {
    case mean
    case halfWidth = "ci95"
  }

  /// nil without a value.
  /// - Parameter groups: the values of each prompt's samples; empty groups do not count.
  package init?(_ groups: [[Double]]) {
    let filled = groups.filter { !$0.isEmpty }
    let values = filled.count == 1 ? filled[0] : filled.map { $0.reduce(0, +) / Double($0.count) }
    guard !values.isEmpty else { return nil }
    let count = Double(values.count)
    mean = values.reduce(0, +) / count
    guard values.count > 1 else { return }
    let variance = values.reduce(0.0) { [mean] in $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
    halfWidth = studentQuantile(degrees: values.count - 1) * (variance / count).squareRoot()
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
