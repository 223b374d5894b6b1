import DeRa

/// Answers drawn under a λ against the exact mixture of the same λ.
package struct ExactComparison: Codable, Sendable, Equatable {
  /// Answers weighed: those that ended by themselves, to prompts with enough of them.
  package var answers: Int
  /// Prompts that they answer.
  package var prompts: Int
  /// (ΣW)²/(N ΣW²) of a prompt's answers, mean over prompts.
  package var effectiveShare: ConfidenceInterval
  /// KL(drawn ‖ exact) of whole answers, nats, mean over prompts.
  package var divergence: ConfidenceInterval
  /// The figures by the metric's name.
  package var figures: [String: Figure]

  /// A figure of the same answers, as they were drawn and weighed.
  package struct Figure: Codable, Sendable, Equatable {
    package var drawn: ConfidenceInterval
    package var exact: ConfidenceInterval
    /// exact − drawn; narrower than both, because the answers are the same.
    package var difference: ConfidenceInterval
  }
}

/// Figures of an exact mixture that was not drawn.
package struct ExactPrediction: Codable, Sendable, Equatable {
  package var lambda: String
  /// The λ whose answers were weighed: of all drawn ones that with the largest effective share.
  package var drawnUnder: String
  package var effectiveShare: ConfidenceInterval
  package var figures: [String: ConfidenceInterval]
}

/// The λ between which an answer's distribution is near the one that λ stands for.
///
/// Of drawn λ along one model's axis, those next to each other from 0 whose effective share reaches `threshold`. Being safe is
/// another question: answers far outside this range may be fluent.
package struct MeaningfulRange: Codable, Sendable, Equatable {
  /// The bound: at a share s no figure's mean differs from the exact mixture's by more than √(1/s − 1) standard deviations of the
  /// answers (Cauchy and Schwarz): at ½ by one.
  package static let threshold = 0.5

  package var threshold: Double
  package var low: Double
  package var high: Double
  /// The last λ that reached the threshold and the first that did not; nil where all drawn ones did.
  package var below: SafeRange.Edge?
  package var above: SafeRange.Edge?

  /// nil where λ = 0 is missing or could not be weighed.
  /// - Parameter shares: λ and its effective share, nil where its answers could not be weighed; such a λ ends the range.
  package init?(_ shares: [(lambda: Double, share: Double?)]) {
    func passes(_ share: Double?) -> Bool { (share ?? 0) >= Self.threshold }
    guard let start = shares.first(where: { $0.lambda == 0 }), passes(start.share) else { return nil }
    func walk(_ points: [(lambda: Double, share: Double?)]) -> (end: Double, edge: SafeRange.Edge?) {
      let count = points.prefix { passes($0.share) }.count
      let end = count == 0 ? 0 : points[count - 1].lambda
      return (end, count == points.count ? nil : SafeRange.Edge(passes: end, fails: points[count].lambda))
    }
    threshold = Self.threshold
    (high, above) = walk(shares.filter { $0.lambda > 0 }.sorted { $0.lambda < $1.lambda })
    (low, below) = walk(shares.filter { $0.lambda < 0 }.sorted { $0.lambda > $1.lambda })
  }

  /// `-0.50 ≤ λ ≤ 2`
  package var interval: String { "\(lambdaText(low)) ≤ λ ≤ \(lambdaText(high))" }

  /// The range in words, with where it ends.
  package var text: String {
    func side(_ name: String, _ edge: SafeRange.Edge?) -> String {
      edge.map { "\(name): it ends before \(lambdaText($0.fails))" } ?? "\(name): it goes as far as was drawn"
    }
    return """
      meaningful range: \(interval) (effective share of at least \(threshold))
      \(side("below", below)); \(side("above", above))

      """
  }
}
