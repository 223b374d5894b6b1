import DeRaJSON

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

  /// Checks that this, read from a file, can be what one chunk of a measurement gave.
  /// - Parameters:
  ///   - lambdas: number of λ.
  ///   - models: directions that are compared.
  ///   - tokens: scored tokens of a chunk.
  ///   - compares: whether there was a bundle to compare with.
  package func check(
    lambdas: Int, models: Int, tokens: Int, compares: Bool, _ check: RecordCheck
  ) throws(RecordError) {
    try check.require(scores.count == lambdas, "totals.scores", "\(lambdas) members, one a λ")
    for (index, scores) in scores.enumerated() {
      try scores.check(tokens: tokens, compares: compares, "totals.scores[\(index)]", check)
    }
    try check.require(directions.count == models, "totals.directions", "\(models) members, one an aligned model")
    for (index, sums) in directions.enumerated() {
      let field = "totals.directions[\(index)]"
      // Squares are sums of products less a mean, which rounding may leave a little below 0.
      let squares = -1e-3...DirectionSums.magnitudeLimit
      try check.require(sums.own, in: squares, "\(field).own")
      try check.require(sums.base, in: squares, "\(field).base")
      let largest = DirectionSums.magnitudeLimit
      try check.require(sums.cross, in: -largest...largest, "\(field).cross")
    }
  }

  /// `[aligned models]`, nil for a model that is the reference.
  package var directionReports: [DirectionReport?] { directions.map(DirectionReport.init) }
}
