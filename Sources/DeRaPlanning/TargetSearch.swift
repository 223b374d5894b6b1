/// The search for the smallest file whose measured loss is at most a target.
///
/// A measured loss is nearly proportional to the predicted one, so every round asks for the prediction that the last ones
/// suggest, between the largest that was good enough and the smallest that was not.
package struct TargetSearch {
  /// Candidates that are measured at most.
  package static let rounds = 6
  /// A loss above this share of the target is near enough.
  package static let nearEnough = 0.95
  /// The next candidate is aimed at this share of the target, since a loss above it is worth nothing.
  static let aim = 0.98
  /// No step is longer than this factor: far away, a measured loss is no longer proportional to the predicted one.
  static let longestStep = 16.0
  /// Predictions within these factors of the bounds would give the same plan again.
  static let leastGrowth = 1.01
  static let leastShrinkage = 0.999

  /// A plan that can be measured.
  package struct Candidate<Plan> {
    package var plan: Plan
    /// The loss expected, in the target's unit.
    package var predicted: Double
    package var bytes: Int

    package init(plan: Plan, predicted: Double, bytes: Int) {
      self.plan = plan
      self.predicted = predicted
      self.bytes = bytes
    }
  }

  /// The largest prediction that was good enough and the smallest that was not.
  private var good = 0.0
  private var bad = Double.infinity
  private let target: Double

  /// - Parameter target: above 0.
  package init(target: Double) { self.target = target }

  /// The smallest candidate found whose measured loss is at most the target; nil when none is.
  /// - Parameters:
  ///   - propose: the smallest plan with a predicted loss of at most what it is given, else the finest there is.
  ///   - measure: the loss of a plan.
  /// - Throws: what the closures throw.
  package mutating func run<Plan>(
    propose: (Double) throws -> Candidate<Plan>?, measure: (inout Plan) async throws -> Double
  ) async rethrows -> Candidate<Plan>? {
    var best: Candidate<Plan>?
    var last: (predicted: Double, bytes: Int)?
    var wanted = target
    for _ in 0..<Self.rounds {
      guard var candidate = try propose(wanted) else { break }
      if let last, last == (candidate.predicted, candidate.bytes) { break }
      last = (candidate.predicted, candidate.bytes)
      let loss = try await measure(&candidate.plan)
      if loss <= target {
        good = max(good, candidate.predicted)
        if candidate.bytes < best?.bytes ?? .max { best = candidate }
        if loss > Self.nearEnough * target { break }
      } else {
        // Nothing better can be asked for.
        if candidate.predicted > wanted || candidate.predicted >= bad { break }
        bad = candidate.predicted
      }
      guard let next = next(after: candidate.predicted, loss: loss) else { break }
      wanted = next
    }
    return best
  }

  /// The prediction to ask for next; nil when nothing is left between the bounds.
  private func next(after predicted: Double, loss: Double) -> Double? {
    var next = predicted * target * Self.aim / max(loss, target / Self.longestStep)
    if next <= good || next >= bad, bad.isFinite { next = (max(good, bad / Self.longestStep) * bad).squareRoot() }
    return next > good * Self.leastGrowth && next < bad * Self.leastShrinkage ? next : nil
  }
}
