import DeRa
import DeRaEvaluation
import RealModule

/// A language of so few tokens and such short texts that all of them can be listed, to see how near token-wise blending comes
/// to the exact mixture of whole texts.
///
/// Distributions are ln p over all `vocabulary^length` texts in lexicographic order.
package struct TinyLanguage: Sendable {
  package let vocabulary: Int
  package let length: Int
  package let reference: [Double]
  /// r(y) of every text.
  package let rewards: [Double]

  package enum RewardKind: String, Sendable, CaseIterable {
    /// Every text has its own, standard normal.
    case independent = "a reward of its own for every text"
    /// The sum of what its tokens are worth, of variance 1.
    case additive = "a sum over tokens"
  }

  /// - Parameters:
  ///   - reference: ln p, normalised.
  ///   - rewards: rewards of the texts, as many as there are, `vocabulary^length`.
  package init(vocabulary: Int, length: Int, reference: [Double], rewards: [Double]) {
    precondition(reference.count == rewards.count, "a reward for every text")
    self.vocabulary = vocabulary
    self.length = length
    self.reference = reference
    self.rewards = rewards
  }

  /// A random language: every next-token distribution is the softmax of standard normal numbers.
  package init(vocabulary: Int, length: Int, kind: RewardKind, seed: UInt64) {
    var generator = RandomGenerator(seed: seed)
    var texts = [0.0]
    for _ in 0..<length {
      texts = texts.flatMap { prefix in
        let logits = (0..<vocabulary).map { _ in generator.nextNormal() }
        let total = LogitDistribution.logSum(logits)
        return logits.map { prefix + $0 - total }
      }
    }
    let worth = (0..<vocabulary).map { _ in generator.nextNormal() / Double(length).squareRoot() }
    let rewards = texts.indices.map { text in
      switch kind {
      case .independent: return generator.nextNormal()
      case .additive:
        var (rest, sum) = (text, 0.0)
        for _ in 0..<length {
          sum += worth[rest % vocabulary]
          rest /= vocabulary
        }
        return sum
      }
    }
    self.init(vocabulary: vocabulary, length: length, reference: texts, rewards: rewards)
  }

  /// The KL-regularised optimum π(y) ∝ π_ref(y)·exp(r(y)/β).
  package func optimum(beta: Double) -> [Double] {
    let weights = zip(reference, rewards).map { $0 + $1 / beta }
    let total = LogitDistribution.logSum(weights)
    return weights.map { $0 - total }
  }

  /// The distribution of decoding token by token from softmax((1 − λ)·h_ref + λ·h_a): the product of the blended next-
  /// token distributions of the reference and of `aligned`.
  package func realigned(_ aligned: [Double], lambda: Double) -> [Double] {
    let (first, second) = (prefixes(reference), prefixes(aligned))
    var texts = [0.0]
    for depth in 1...length {
      texts = texts.indices.flatMap { prefix -> [Double] in
        let range = prefix * vocabulary..<(prefix + 1) * vocabulary
        let logits = range.map {
          (1 - lambda) * (first[depth][$0] - first[depth - 1][prefix])
            + lambda * (second[depth][$0] - second[depth - 1][prefix])
        }
        let total = LogitDistribution.logSum(logits)
        return logits.map { texts[prefix] + $0 - total }
      }
    }
    return texts
  }

  /// E[r] under a distribution.
  package func reward(_ distribution: [Double]) -> Double {
    zip(distribution, rewards).reduce(0) { $0 + Double.exp($1.0) * $1.1 }
  }

  /// KL(left ‖ right), nats a text.
  package static func divergence(_ left: [Double], _ right: [Double]) -> Double {
    zip(left, right).reduce(0) { $0 + Double.exp($1.0) * ($1.0 - $1.1) }
  }

  /// `[length + 1]`: ln p of all beginnings of 0, 1, … tokens.
  private func prefixes(_ texts: [Double]) -> [[Double]] {
    var levels = [texts]
    for _ in 0..<length {
      let last = levels[levels.count - 1]
      levels.append(
        stride(from: 0, to: last.count, by: vocabulary).map { LogitDistribution.logSum(last[$0..<$0 + vocabulary]) })
    }
    return levels.reversed()
  }
}

extension RandomGenerator {
  /// A standard normal number (Box and Muller, 1958).
  fileprivate mutating func nextNormal() -> Double {
    let radius = (-2 * Double.log(1 - nextUnit())).squareRoot()
    return radius * Double.cos(2 * .pi * nextUnit())
  }
}
