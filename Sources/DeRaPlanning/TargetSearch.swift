import RealModule

/// The search for the smallest file whose measured loss is at most a target.
///
/// A measured loss is nearly proportional to the predicted one, so every round asks for the prediction that the last ones
/// suggest, between the largest that was good enough and the smallest that was not. Where it is not proportional, steps
/// grow with every failure, and the last round is the finest plan's: one that is good enough is found if the finest is.
package struct TargetSearch {
  /// Candidates that are measured at most.
  package static let rounds = 7
  /// A loss above this share of the target is near enough.
  package static let nearEnough = 0.95
  /// The next candidate is aimed at this share of the target, since a loss above it is worth nothing.
  static let aim = 0.98
  /// No step is longer than this factor: far away, a measured loss is no longer proportional to the predicted one.
  static let longestStep = 16.0
  /// Predictions within these factors of the bounds would give the same plan again.
  static let leastGrowth = 1.01
  static let leastShrinkage = 0.999
  /// The part of the way between two bounds that is left on either side.
  static let margin = 0.1
  /// Requests at most; many may name plans that were measured already.
  private static let requests = 4 * rounds

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

  /// A prediction and the loss measured there.
  private struct Bound {
    var predicted: Double
    var loss: Double
  }

  /// A plan that was measured already.
  private struct Key: Hashable {
    var predicted: Double
    var bytes: Int
  }

  /// The largest prediction that was good enough and the smallest that was not.
  private var good: Bound?
  private var bad: Bound?
  /// Plans in a row that were not good enough, while none was.
  private var failures = 0
  private var tried: Set<Key> = []
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
    var wanted = target
    for _ in 0..<Self.requests where tried.count < Self.rounds {
      if best == nil, tried.count == Self.rounds - 1 { wanted = 0 }
      guard var candidate = try propose(wanted) else { break }
      let isFinest = candidate.predicted > wanted
      if tried.insert(Key(predicted: candidate.predicted, bytes: candidate.bytes)).inserted {
        let loss = try await measure(&candidate.plan)
        if loss <= target, candidate.bytes < best?.bytes ?? .max { best = candidate }
        if note(Bound(predicted: candidate.predicted, loss: loss)) { break }
      } else {
        // There is no plan between it and what was asked for.
        if let known = good { good?.predicted = max(known.predicted, wanted) }
      }
      // Nothing better can be asked for.
      if isFinest, best == nil { break }
      guard let next = next() else { break }
      wanted = next
    }
    return best
  }

  /// Narrows the bounds.
  /// - Returns: whether the loss is as near as need be.
  private mutating func note(_ bound: Bound) -> Bool {
    if bound.loss <= target {
      if bound.predicted >= good?.predicted ?? 0 { good = bound }
      return bound.loss > Self.nearEnough * target
    }
    failures += 1
    if bound.predicted < bad?.predicted ?? .infinity { bad = bound }
    return false
  }

  /// The prediction to ask for next; nil when nothing is left between the bounds.
  private func next() -> Double? {
    let aimed = target * Self.aim
    let next: Double
    switch (good, bad) {
    case (let good?, let bad?):
      guard good.predicted * Self.leastGrowth < bad.predicted * Self.leastShrinkage else { return nil }
      // Linear in the logarithms.
      let part = Double.log(aimed / good.loss) / Double.log(bad.loss / good.loss)
      let inside = part.isFinite ? min(max(part, Self.margin), 1 - Self.margin) : 0.5
      next = good.predicted * Double.pow(bad.predicted / good.predicted, inside)
    case (let good?, nil): next = good.predicted * aimed / max(good.loss, target / Self.longestStep)
    case (nil, let bad?):
      // The first failure's proportion is trusted; plans that go on failing are left in growing steps.
      next = bad.predicted * min(aimed / bad.loss, failures > 1 ? Double.pow(0.5, Double(failures)) : 1)
    case (nil, nil): return nil
    }
    let (low, high) = (good?.predicted ?? 0, bad?.predicted ?? .infinity)
    return next > low * Self.leastGrowth && next < high * Self.leastShrinkage ? next : nil
  }
}
