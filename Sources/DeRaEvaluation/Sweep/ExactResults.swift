import DeRa

/// The results of a sweep about the exact mixtures of its λ.
package struct ExactResults: Sendable, Equatable {
  /// The comparisons by λ, those drawn in search of the safe range included.
  package var comparisons: [String: ExactComparison] = [:]
  /// Why a λ has none.
  package var missing: [String: ExactMixtureError] = [:]
  /// Along one model's axis, ascending.
  package var predictions: [ExactPrediction] = []
  package var meaningful: MeaningfulRange?

  /// How many λ are predicted between two that were drawn.
  package static let between = 3

  /// - Parameter records: all answers; those of the header's seeds and prompts count.
  package init(header: SweepHeader, records: [SampleRecord]) {
    let mixture = ExactMixture(header)
    let counted = records.filter { $0.seed < header.seeds && header.shard.includes($0.prompt) }
    let groups = Dictionary(grouping: counted) { $0.lambda }
    for (lambda, records) in groups {
      do throws(ExactMixtureError) { comparisons[lambda] = try mixture.compare(lambda, records) } catch {
        missing[lambda] = error
      }
    }
    let points = Self.points(header, Array(groups.keys))
    meaningful = MeaningfulRange(points.map { ($0.place, comparisons[$0.lambda]?.effectiveShare.mean) })
    guard mixture.obstacle == nil else { return }
    for (left, right) in zip(points, points.dropFirst()) {
      for step in 1...Self.between {
        var target = left.realignment
        let part = Float(step) / Float(Self.between + 1)
        target.lambdas = zip(left.realignment.lambdas, right.realignment.lambdas).map { $0 + part * ($1 - $0) }
        if let prediction = Self.prediction(target, mixture, points.map(\.lambda), groups) {
          predictions.append(prediction)
        }
      }
    }
  }

  /// A drawn λ on the axis of one model.
  private struct Point {
    let lambda: String
    let realignment: Realignment
    let place: Double
  }

  /// The drawn λ where one aligned model alone acts, ascending: the first model that has two of them, λ = 0 included.
  private static func points(_ header: SweepHeader, _ lambdas: [String]) -> [Point] {
    let known = lambdas.compactMap { text in (try? header.realignment(text)).map { (text, $0) } }
    for model in 0..<max(header.models.count - 1, 0) {
      let points = known.filter { _, realignment in
        realignment.lambdas.indices.allSatisfy { $0 == model || realignment.lambdas[$0] == 0 }
      }
      if points.count > 1 {
        return points.map { Point(lambda: $0, realignment: $1, place: Double($1.lambdas[model])) }
          .sorted { $0.place < $1.place }
      }
    }
    return []
  }

  /// The prediction from the drawn λ with the largest effective share; nil where none reaches the threshold. One λ is the source, because
  /// all λ draw with the same random numbers and are not independent of each other.
  private static func prediction(
    _ target: Realignment, _ mixture: ExactMixture, _ lambdas: [String], _ groups: [String: [SampleRecord]]
  ) -> ExactPrediction? {
    let shares = lambdas.compactMap { lambda in
      (try? mixture.effectiveShare(target, groups[lambda] ?? [])).map { (lambda: lambda, share: $0) }
    }
    guard let best = shares.max(by: { $0.share < $1.share }), best.share >= MeaningfulRange.threshold else {
      return nil
    }
    return try? mixture.predict(target, from: best.lambda, groups[best.lambda] ?? [])
  }
}
