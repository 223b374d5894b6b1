import DeRa
import RealModule

/// Figures of the distributions along an answer, summed over its tokens. The policy is what is sampled: the blend under
/// a λ, at temperature 1, with the plausibility mask if there is one and no other truncation.
package struct AnswerFigures: Sendable, Equatable {
  package private(set) var tokens = 0
  /// Σ ln p(token) under every model of the bundle, the reference first; nats.
  package private(set) var logLikelihoods: [Double]
  /// The same under the policy.
  package private(set) var policyLogLikelihood = 0.0
  /// Σ over the tokens of KL(π_λ(· | prefix) ‖ π_ref(· | prefix)), nats. Over answers drawn from π_λ its mean is the sequences'
  /// KL(π_λ ‖ π_ref) by the chain rule; taking each token's whole distribution has less variance than the mean of
  /// ln π_λ(answer) − ln π_ref(answer).
  package private(set) var divergence = 0.0
  /// Σ of the policy's entropies, nats.
  package private(set) var entropy = 0.0
  /// Tokens that the reference finds less than `supportRatio` times as probable as its likeliest one.
  package private(set) var unsupportedTokens = 0

  /// Below this share of the likeliest token's probability a token is outside the reference's support.
  package static let supportRatio = 1e-3

  /// - Parameter models: models of the bundle.
  package init(models: Int) { logLikelihoods = [Double](repeating: 0, count: models) }

  /// Adds a token of the answer.
  /// - Parameters:
  ///   - policy: the policy's logits `[vocabulary]`.
  ///   - reference: logits `[vocabulary]` of π_ref.
  ///   - models: the models' logits `[vocabulary]` each, the reference first.
  package mutating func add(
    token: Int, policy: UnsafeBufferPointer<Float>, reference: UnsafeBufferPointer<Float>,
    models: [UnsafeBufferPointer<Float>]
  ) {
    let (own, base, divergence) = LogitDistribution.compare(p: policy, q: reference)
    tokens += 1
    policyLogLikelihood += Double(policy[token]) - own.logSum
    self.divergence += divergence
    entropy += LogitDistribution.entropy(of: policy)
    for (index, model) in models.enumerated() {
      let sum = model.baseAddress == reference.baseAddress ? base.logSum : LogitDistribution(model).logSum
      logLikelihoods[index] += Double(model[token]) - sum
    }
    let gap = Double(reference[token]) - Double(reference[base.top])
    if gap < Double.log(Self.supportRatio) { unsupportedTokens += 1 }
  }

  /// Figures by the names that files use; those that are not finite are left out.
  /// - Parameter models: names of the bundle's models, the reference first.
  package func values(models: [String]) -> [String: Double] {
    var values: [String: Double] = [
      "tokens": Double(tokens), "kl": divergence, "log_likelihood.policy": policyLogLikelihood,
    ]
    for (name, value) in zip(models, logLikelihoods) { values["log_likelihood.\(name)"] = value }
    if tokens > 0 {
      values["entropy"] = entropy / Double(tokens)
      values["unsupported"] = Double(unsupportedTokens) / Double(tokens)
    }
    return values.filter(\.value.isFinite)
  }
}

/// How varied the tokens of an answer are.
package enum Variety {
  /// Distinct n-grams over all n-grams (distinct-n, Li et al., arXiv 1510.03055); nil for fewer than n tokens.
  package static func distinct(_ tokens: [Int32], n: Int) -> Double? {
    guard n > 0, tokens.count >= n else { return nil }
    let count = tokens.count - n + 1
    return Double(Set((0..<count).map { tokens[$0..<$0 + n] }).count) / Double(count)
  }

  /// Share of 4-grams that already came (seq-rep-4, Welleck et al., arXiv 1908.04319); 0 for fewer than 4 tokens.
  package static func repetition(_ tokens: [Int32]) -> Double { 1 - (distinct(tokens, n: 4) ?? 1) }

  /// Figures by the names that files use.
  package static func values(_ tokens: [Int32]) -> [String: Double] {
    var values = ["repetition": repetition(tokens)]
    for n in 1...2 { values["distinct_\(n)"] = distinct(tokens, n: n) }
    return values
  }
}
