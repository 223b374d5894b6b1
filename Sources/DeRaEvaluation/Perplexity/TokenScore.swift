import DeRa
import DeRaJSON
import RealModule

/// One token of a text under one λ: its negative log-likelihood (nats), and how the distribution it was taken from differs
/// from another bundle's.
package struct TokenScore {
  package var loss: Float = 0
  package var baseLoss: Float = 0
  /// KL(base ‖ this), nats.
  package var divergence: Float = 0
  /// p − p_base of the token.
  package var probabilityChange: Float = 0
  package var sameTop = false

  package init() {}

  package init(_ logits: UnsafeBufferPointer<Float>, target: Int) {
    loss = Float(LogitDistribution(logits).logSum - Double(logits[target]))
  }

  package init(_ logits: UnsafeBufferPointer<Float>, base: UnsafeBufferPointer<Float>, target: Int) {
    let (baseDistribution, own, divergence) = LogitDistribution.compare(p: base, q: logits)
    let loss = own.logSum - Double(logits[target])
    let baseLoss = baseDistribution.logSum - Double(base[target])
    self.loss = Float(loss)
    self.baseLoss = Float(baseLoss)
    self.divergence = Float(divergence)
    probabilityChange = Float(Double.exp(-loss) - Double.exp(-baseLoss))
    sameTop = own.top == baseDistribution.top
  }

  package var isFinite: Bool { loss.isFinite && baseLoss.isFinite && divergence.isFinite }
}

/// The scores of a text's tokens under one λ, in the text's order; the percentiles need them all.
package struct TokenScores: Sendable, Equatable, Codable {
  /// Negative log-likelihoods, nats.
  package private(set) var losses: [Float] = []
  /// Negative log-likelihoods under the bundle compared with; empty when there is none, like all that follow.
  package private(set) var baseLosses: [Float] = []
  package private(set) var divergences: [Float] = []
  package private(set) var probabilityChanges: [Float] = []
  package private(set) var sameTopCount = 0

  package init() {}

  package mutating func append(_ score: TokenScore, compares: Bool) {
    losses.append(score.loss)
    guard compares else { return }
    baseLosses.append(score.baseLoss)
    divergences.append(score.divergence)
    probabilityChanges.append(score.probabilityChange)
    sameTopCount += score.sameTop ? 1 : 0
  }

  /// Adds the scores of the text that follows.
  package mutating func append(_ next: TokenScores) {
    losses += next.losses
    baseLosses += next.baseLosses
    divergences += next.divergences
    probabilityChanges += next.probabilityChanges
    sameTopCount += next.sameTopCount
  }

  /// Checks that these, read from a file, can be those of a chunk.
  func check(
    tokens: Int, compares: Bool, _ field: String, _ check: RecordCheck
  ) throws(RecordError) {
    // A likelihood may exceed 1, and a divergence be negative, by rounding.
    let nats: ClosedRange<Float> = -0.01...(.greatestFiniteMagnitude)
    let columns: [(name: String, values: [Float], range: ClosedRange<Float>)] = [
      ("losses", losses, nats), ("base_losses", baseLosses, nats), ("divergences", divergences, nats),
      ("probability_changes", probabilityChanges, -1...1),
    ]
    for (index, column) in columns.enumerated() {
      let count = index == 0 || compares ? tokens : 0
      try check.require(column.values.count == count, "\(field).\(column.name)", "\(count) numbers, one a scored token")
      try check.require(
        column.values.allSatisfy(column.range.contains), "\(field).\(column.name)",
        "numbers from \(column.range.lowerBound) to \(column.range.upperBound)")
    }
    try check.require(sameTopCount, in: 0...(compares ? tokens : 0), "\(field).same_top_count")
  }

  /// Mean negative log-likelihood, nats a token.
  package var meanLoss: Estimate { Estimate(meanOf: losses.lazy.map(Double.init)) }
  /// e to the mean loss.
  package var perplexity: Estimate { meanLoss.exponential }
}
