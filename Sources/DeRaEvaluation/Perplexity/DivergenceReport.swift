/// A bundle's distributions against another's over a text, in the figures llama.cpp's `llama-perplexity --kl-divergence` prints:
/// Q is this bundle, "base" the other one.
package struct DivergenceReport: Sendable, Equatable, Codable {
  package var tokens: Int
  package var perplexity: Estimate
  package var basePerplexity: Estimate
  /// Correlation of the two bundles' losses, token by token; nil when one does not vary.
  package var correlation: Double?
  /// ln(PPL(Q) / PPL(base)); its error counts that both scored the same tokens.
  package var logRatio: Estimate
  package var ratio: Estimate
  package var difference: Estimate
  /// KL(base ‖ Q), nats.
  package var divergence: Summary
  /// p_Q − p_base of the text's token, as a share of 1.
  package var probabilityChange: Summary
  /// Root mean square of that.
  package var probabilityChangeRMS: Estimate
  /// Share of positions where both have the same likeliest token.
  package var sameTop: Estimate

  enum CodingKeys: String, CodingKey {
    case tokens
    case perplexity = "ppl"
    case basePerplexity = "pplBase"
    case correlation
    case logRatio = "lnRatio"
    case ratio = "pplRatio"
    case difference = "pplDifference"
    case divergence = "kld"
    case probabilityChange = "deltaP"
    case probabilityChangeRMS = "deltaPRms"
    case sameTop = "sameTopP"
  }

  /// - Parameter scores: at least one, made with a bundle to compare with.
  package init(_ scores: TokenScores) {
    let losses = scores.losses.lazy.map(Double.init)
    let baseLosses = scores.baseLosses.lazy.map(Double.init)
    let (own, base) = (scores.meanLoss, Estimate(meanOf: baseLosses))
    let covariance = covarianceOfMeans(losses, baseLosses)
    tokens = scores.losses.count
    perplexity = own.exponential
    basePerplexity = base.exponential
    correlation = own.error * base.error > 0 ? covariance / (own.error * base.error) : nil
    logRatio = .difference(own, base, covariance: covariance)
    ratio = logRatio.exponential
    difference = .difference(
      perplexity, basePerplexity, covariance: perplexity.value * basePerplexity.value * covariance)
    divergence = Summary(scores.divergences)
    probabilityChange = Summary(scores.probabilityChanges)
    let squares = scores.probabilityChanges.lazy.map { Double($0) * Double($0) }
    probabilityChangeRMS = Estimate(meanOf: squares).squareRoot
    sameTop = Estimate(shareOf: scores.sameTopCount, in: tokens)
  }

  /// The distribution of a figure over the tokens.
  package struct Summary: Sendable, Equatable, Codable {
    package static let fractions = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999]

    package var mean: Estimate
    package var minimum: Double
    package var maximum: Double
    /// Percentiles at `fractions`.
    package var percentiles: [Double]

    init(_ values: [Float]) {
      let sorted = values.sorted()
      mean = Estimate(meanOf: values.lazy.map(Double.init))
      minimum = percentile(sorted, 0)
      maximum = percentile(sorted, 1)
      percentiles = Self.fractions.map { percentile(sorted, $0) }
    }

    /// - Parameter fraction: one of `fractions`.
    func at(_ fraction: Double) -> Double { percentiles[Self.fractions.firstIndex(of: fraction) ?? 0] }
  }
}
