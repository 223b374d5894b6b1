import DeRa
import DeRaEvaluation
import DeRaKernels

/// How far a policy is from others along its own texts.
///
/// For a text y drawn from π, Σₜ KL(π(·|y₍<ₜ₎) ‖ ρ(·|y₍<ₜ₎)) is an unbiased estimate of KL(π ‖ ρ) between whole texts, of less
/// variance than ln π(y)/ρ(y).
package final class PolicyDivergence {
  private let policy: TeacherForcing
  private let others: TeacherForcing
  private var ownScratch: [Float]
  private var otherScratch: [Float]

  /// - Parameters:
  ///   - policy: the policy that drew the texts.
  ///   - blend: how the policy applies its λ.
  ///   - others: the policies that it is compared with.
  /// - Throws: `SessionError`, `EvaluationError.differentPairs` for vocabularies of different size.
  package init(
    policy: (bundle: ModelBundle, realignment: Realignment), blend: Blend = .logits,
    others: (bundle: ModelBundle, realignments: [Realignment]), contextLength: Int = 320, engine: Engine
  ) throws {
    let sizes = (policy.bundle.configuration.vocabularySize, others.bundle.configuration.vocabularySize)
    guard sizes.0 == sizes.1 else {
      throw EvaluationError.differentPairs("their vocabularies have \(sizes.0) and \(sizes.1) tokens")
    }
    func forcing(_ bundle: ModelBundle, _ realignments: [Realignment], _ blend: Blend) throws -> TeacherForcing {
      try TeacherForcing(
        session: DecodingSession(
          bundle: bundle, contextLength: contextLength, engine: engine, maxOutputs: PerplexityMeasurement.block,
          blend: blend),
        realignments: realignments)
    }
    self.policy = try forcing(policy.bundle, [policy.realignment], blend)
    self.others = try forcing(others.bundle, others.realignments, .logits)
    ownScratch = [Float](repeating: 0, count: sizes.0)
    otherScratch = ownScratch
  }

  /// - Parameter text: beginning-of-text token, tokens, end-of-text token.
  /// - Returns: nats a text, one for each of the others.
  /// - Throws: `SessionError`, `EvaluationError.notFinite`.
  package func callAsFunction(_ text: [Int32]) throws -> [Double] {
    var sums = [Double](repeating: 0, count: others.realignments.count)
    let context = Array(text.dropLast())
    try policy.start(context)
    try others.start(context)
    var shared = SharedPositions()
    while case let positions = shared.next(policy, others), !positions.isEmpty {
      for position in positions { add(position, to: &sums) }
    }
    guard sums.allSatisfy(\.isFinite) else { throw EvaluationError.notFinite(lambda: "?") }
    return sums
  }

  private func add(_ position: Int, to sums: inout [Double]) {
    ownScratch.withUnsafeMutableBufferPointer { first in
      otherScratch.withUnsafeMutableBufferPointer { second in
        let own = policy.logits(0, at: position, scratch: first)
        for index in sums.indices {
          let other = others.logits(index, at: position, scratch: second)
          sums[index] += LogitDistribution.compare(p: own, q: other).divergence
        }
      }
    }
  }
}
