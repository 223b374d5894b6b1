import DeRaPlanning
import DeRaPlatform
import Testing

/// The search over made-up losses, where the best answer is known.
@Suite struct TargetSearchTests {
  /// The plans tried, and the one found.
  private struct Outcome {
    var tried: [Double] = []
    var found: TargetSearch.Candidate<Double>?
  }

  /// Plans whose predictions are powers of `step`, of sizes that fall as the prediction grows.
  private func search(
    _ target: Double, step: Double = 1.05, finest: Double = 1e-9, loss: (Double) -> Double
  ) async -> Outcome {
    var outcome = Outcome()
    var search = TargetSearch(target: target)
    outcome.found = await search.run { wanted in
      var predicted = finest
      while predicted * step <= wanted { predicted *= step }
      return TargetSearch.Candidate(plan: predicted, predicted: predicted, bytes: Int(1e6 / predicted.squareRoot()))
    } measure: { plan in
      outcome.tried.append(plan)
      return loss(plan)
    }
    return outcome
  }

  @Test(arguments: [0.3, 0.7, 1, 1.5, 4, 40]) func proportionalLossesAreHit(factor: Double) async throws {
    let outcome = await search(0.01) { factor * $0 }
    let found = try #require(outcome.found)
    #expect(factor * found.plan <= 0.01)
    // Twice a step of the plans is what rounding and the aim below the target may cost.
    #expect(factor * found.plan > 0.01 * 0.85, "\(outcome.tried)")
    #expect(outcome.tried.count <= 4)
  }

  @Test(arguments: [0.5, 0.8, 1.3, 2]) func curvedLossesAreHitWithinTheRounds(power: Double) async throws {
    func loss(_ predicted: Double) -> Double { 0.02 * exp(power * log(predicted / 0.004)) }
    let outcome = await search(0.01, loss: loss)
    let found = try #require(outcome.found)
    #expect(loss(found.plan) <= 0.01)
    #expect(loss(found.plan) > 0.01 * 0.7, "\(outcome.tried.map { ($0, loss($0)) })")
    #expect(outcome.tried.count <= TargetSearch.rounds)
  }

  @Test func nothingIsFoundBelowTheFinestPlan() async {
    let outcome = await search(1e-6, finest: 1e-3) { $0 }
    #expect(outcome.found == nil)
    #expect(outcome.tried.count == 1)
  }

  /// Losses that stay just above the target although the prediction falls, and drop at last: as of a few texts at the
  /// ends of a wide range of λ.
  @Test(arguments: [3e-3, 1e-3, 1e-5, 2e-9]) func aPlateauAboveTheTargetIsLeft(end: Double) async throws {
    let outcome = await search(0.01) { $0 > end ? 0.0101 : 0.002 }
    let found = try #require(outcome.found)
    #expect(found.plan <= end)
    #expect(outcome.tried.count <= TargetSearch.rounds)
  }

  @Test func theFinestPlanIsTriedBeforeGivingUp() async throws {
    let outcome = await search(0.01, finest: 1e-9) { $0 > 1e-9 ? 0.5 : 1e-6 }
    #expect(outcome.found?.plan == 1e-9)
  }

  @Test func aProposalKnownAlreadyDoesNotEndTheSearch() async throws {
    // Steps of 30: between a good and a bad plan the same good one is proposed again and again.
    let outcome = await search(0.5, step: 30, finest: 1e-4) { $0 > 0.1 ? 3 : $0 }
    #expect((try #require(outcome.found)).plan == 0.09)
    #expect(Set(outcome.tried).count == outcome.tried.count)
  }

  @Test func aPlanIsMeasuredOnce() async throws {
    let outcome = await search(0.01, step: 8) { 2 * $0 }
    #expect(Set(outcome.tried).count == outcome.tried.count)
    #expect(2 * (try #require(outcome.found)).plan <= 0.01)
  }

  @Test func theSmallestGoodPlanIsKept() async throws {
    // A loss that jumps: the second try is worse than the first although it was predicted to be as good.
    var losses = [0.002, 0.02, 0.02, 0.008, 0.02, 0.02].makeIterator()
    let outcome = await search(0.01) { _ in losses.next() ?? 1 }
    let found = try #require(outcome.found)
    #expect(found.plan == outcome.tried[3] && found.plan > outcome.tried[0])
  }

  @Test func noPlanAtAllIsNoAnswer() async throws {
    var search = TargetSearch(target: 1)
    let found = await search.run { _ -> TargetSearch.Candidate<Int>? in
      nil
    } measure: { _ in
      0
    }
    #expect(found == nil)
  }
}
