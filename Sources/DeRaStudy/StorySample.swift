import DeRaEvaluation

/// One sampled story.
package struct Story: Sendable {
  package var words: Double
  package var brief: Double
  package var happy: Double
  /// KL from what it was compared with, nats a story.
  package var divergences: [Double]
  /// False where the context ended it.
  package var isFinished: Bool
  package var text: String

  package init(
    words: Double, brief: Double, happy: Double, divergences: [Double], isFinished: Bool, text: String
  ) {
    self.words = words
    self.brief = brief
    self.happy = happy
    self.divergences = divergences
    self.isFinished = isFinished
    self.text = text
  }
}

/// Stories of one policy, in groups that count as independent repetitions.
package struct StorySample: Sendable {
  package let stories: [Story]
  package let groups: Int

  /// - Parameter groups: divides the number of stories.
  package init(_ stories: [Story], groups: Int) {
    precondition(groups > 0 && stories.count % groups == 0, "groups of equal size")
    self.stories = stories
    self.groups = groups
  }

  package func mean(_ value: (Story) -> Double) -> Estimate { Estimate(meanOf: stories.map(value)) }

  /// The mean over some groups, which may be there several times.
  package func mean(groups chosen: [Int], _ value: (Story) -> Double) -> Double {
    let size = stories.count / groups
    let sum = chosen.reduce(0.0) { sum, group in
      stories[group * size..<(group + 1) * size].reduce(sum) { $0 + value($1) }
    }
    return sum / Double(chosen.count * size)
  }
}

/// How two ways to reach the same strengths agree.
package struct Agreement: Sendable {
  package let pearson: Double
  package let pearsonInterval: Interval
  package let spearman: Double
  package let spearmanInterval: Interval
  /// Mean absolute difference over the strengths.
  package let distance: Double

  /// Correlations of a story's mean value across strengths, with percentile bootstrap intervals over groups.
  /// - Parameter pairs: one for every strength.
  package init(_ pairs: [(left: StorySample, right: StorySample)], _ value: (Story) -> Double) {
    let groups = pairs.first?.left.groups ?? 1
    func means(_ chosen: [Int]) -> (left: [Double], right: [Double]) {
      (pairs.map { $0.left.mean(groups: chosen, value) }, pairs.map { $0.right.mean(groups: chosen, value) })
    }
    let (left, right) = means(Array(0..<groups))
    pearson = DeRaEvaluation.pearson(left, right)
    spearman = DeRaEvaluation.spearman(left, right)
    distance = zip(left, right).reduce(0) { $0 + ($1.0 - $1.1).magnitude } / Double(pairs.count)
    // Resampled once, because a story's value is dear and a group's mean is cheap.
    let table = (0..<groups).map { means([$0]) }
    func interval(_ statistic: ([Double], [Double]) -> Double) -> Interval {
      .bootstrap(count: groups) { chosen in
        let count = Double(chosen.count)
        let left = pairs.indices.map { pair in chosen.reduce(0) { $0 + table[$1].left[pair] } / count }
        let right = pairs.indices.map { pair in chosen.reduce(0) { $0 + table[$1].right[pair] } / count }
        return statistic(left, right)
      }
    }
    pearsonInterval = interval(DeRaEvaluation.pearson)
    spearmanInterval = interval(DeRaEvaluation.spearman)
  }
}
