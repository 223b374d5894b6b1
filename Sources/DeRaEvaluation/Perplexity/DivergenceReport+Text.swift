import DeRaText

extension DivergenceReport {
  /// The report with the labels, the order and the number formats of llama.cpp's tool, so that what reads those reads these.
  package var text: String {
    func number(_ value: Double) -> String { padded(value, 6, width: 10) }
    func estimate(_ value: Estimate) -> String { "\(number(value.value)) ± \(number(value.error))" }
    func percent(_ value: Double) -> String { padded(100 * value, 3, width: 6) }
    func percent(_ value: Estimate) -> String {
      "\(percent(value.value)) ± \(padded(100 * value.error, 3, width: 5)) %"
    }

    var lines = [
      "====== Perplexity statistics ======",
      "Mean PPL(Q)                   : \(estimate(perplexity))",
      "Mean PPL(base)                : \(estimate(basePerplexity))",
      "Cor(ln(PPL(Q)), ln(PPL(base))): \(padded(100 * (correlation ?? .nan), 2, width: 6))%",
      "Mean ln(PPL(Q)/PPL(base))     : \(estimate(logRatio))",
      "Mean PPL(Q)/PPL(base)         : \(estimate(ratio))",
      "Mean PPL(Q)-PPL(base)         : \(estimate(difference))",
      "", "====== KL divergence statistics ======",
      "Mean    KLD: \(estimate(divergence.mean))",
      "Maximum KLD: \(number(divergence.maximum))",
    ]
    lines += Self.rows(leavingOut: [0.25, 0.75]).map { "\($0.label)KLD: \(number(divergence.at($0.fraction)))" }
    lines += [
      "Minimum KLD: \(number(divergence.minimum))",
      "", "====== Token probability statistics ======",
      "Mean    Δp: \(percent(probabilityChange.mean))",
      "Maximum Δp: \(percent(probabilityChange.maximum))%",
    ]
    lines += Self.rows(leavingOut: []).map { "\($0.label)Δp: \(percent(probabilityChange.at($0.fraction)))%" }
    lines += [
      "Minimum Δp: \(percent(probabilityChange.minimum))%",
      "RMS Δp    : \(percent(probabilityChangeRMS))",
      "Same top p: \(percent(sameTop))",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  /// The percentiles from the top.
  private static func rows(leavingOut skipped: [Double]) -> [(label: String, fraction: Double)] {
    Summary.fractions.reversed().filter { !skipped.contains($0) }.map { fraction in
      (fraction == 0.5 ? "Median  " : padded(100 * fraction, 1, width: 4) + "%   ", fraction)
    }
  }
}

/// `  1.500`: a fixed count of decimals, filled up with spaces on the left.
func padded(_ value: Double, _ decimals: Int, width: Int) -> String {
  let text = fixed(value, decimals)
  return String(repeating: " ", count: max(0, width - text.count)) + text
}
