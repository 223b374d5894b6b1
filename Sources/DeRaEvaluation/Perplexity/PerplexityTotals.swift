/// The sums over a text, or a part of it. They are made part by part, so that parts measured elsewhere and put together
/// in order give the same bits.
package struct PerplexityTotals: Sendable, Equatable, Codable {
  /// `[realignments]`, one value a scored token.
  package internal(set) var scores: [TokenScores]
  /// `[aligned models]`; empty where there was no bundle to compare with.
  package var directions: [DirectionSums]

  package init(realignments: Int, models: Int) {
    scores = [TokenScores](repeating: TokenScores(), count: realignments)
    directions = [DirectionSums](repeating: DirectionSums(), count: models)
  }

  /// Adds the text that follows; it must have been measured in the same way.
  package mutating func append(_ next: PerplexityTotals) {
    for (index, scores) in next.scores.enumerated() { self.scores[index].append(scores) }
    for (index, sums) in next.directions.enumerated() { directions[index] += sums }
  }

  /// Whether this, read from a file, can be one of a measurement under so many λ, with so many directions compared.
  package func isConsistent(lambdas: Int, models: Int) -> Bool {
    let count = scores.first?.losses.count ?? 0
    return scores.count == lambdas && directions.count == models && count > 0
      && scores.allSatisfy { scores in
        scores.losses.count == count
          && [scores.baseLosses, scores.divergences, scores.probabilityChanges].allSatisfy {
            $0.count == (scores.baseLosses.isEmpty ? 0 : count)
          }
      }
  }

  /// `[aligned models]`, nil for a model that is the reference.
  package var directionReports: [DirectionReport?] { directions.map(DirectionReport.init) }
}
