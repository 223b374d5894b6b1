import DeRaEvaluation
import DeRaText

extension StudyReport {
  /// r(y) − β·KL along the story: what a user who wants this β maximises.
  private func utility(_ story: Story) -> Double {
    story.brief - Self.wantedBeta * story.divergences[Study.Comparison.reference.rawValue]
  }

  private var bestIndex: Int {
    let values = results.forms[0].map { $0.mean(utility).value }
    return values.indices.max { values[$0] < values[$1] } ?? 0
  }

  /// The paper's use: λ is searched on DeRa, and only the winner is trained.
  var search: String {
    var table = Table([
      .init("λ"), .init("utility, DeRa (validation)"), .init("β/λ"), .init("utility, retrained (test)"),
    ])
    for (index, strength) in strengths.enumerated() {
      table.rows.append([
        lambdas[index], estimateText(results.forms[0][index].mean(utility), 3), "\(strength.beta)",
        estimateText(results.retrained[index].mean(utility), 3),
      ])
    }
    let best = bestIndex
    let start = strengths.firstIndex { $0.model == "brief" } ?? 0
    let pairs = zip(results.retrained[best].stories, results.retrained[start].stories)
    let wins = pairs.reduce(0.0) { sum, pair in
      let (left, right) = (utility(pair.0), utility(pair.1))
      return sum + (left > right ? 1 : left == right ? 0.5 : 0)
    }
    let share = Interval(wilson: wins, of: stories)
    let (winner, original) = (results.retrained[best], results.retrained[start])
    let gain = winner.mean(utility).value - original.mean(utility).value
    let gainInterval = Interval.bootstrap(count: groups) {
      winner.mean(groups: $0, utility) - original.mean(groups: $0, utility)
    }
    return """
      ## Search for λ, then train once

      Suppose the reward is worth a KL penalty of β′ = \(Self.wantedBeta), not the \(Study.beta) that the model was aligned with. \
      Utility is r(y) − β′ · KL of a story. λ* is searched with DeRa on validation seeds; theory says \
      λ* = β/β′ = \(number(Float(Study.beta / Self.wantedBeta))). The model retrained at β/λ* and the original one are then \
      compared on test seeds.

      \(table.markdown)
      λ* = \(lambdas[best]). The model retrained at β = \(strengths[best].beta) wins against β = \(Study.beta) in \
      \(fixed(100 * wins / Double(stories), 1)) % of \(stories) pairs of stories (Wilson's 95 % interval \
      \(fixed(100 * share.low, 1)) to \(fixed(100 * share.high, 1)) %), and its mean utility is higher by \
      \(interval(gain, gainInterval)).

      ![Utility against λ](search.svg)
      """
  }

  var searchChart: Chart {
    func series(_ name: String, _ samples: [StorySample]) -> Chart.Series {
      .init(
        name, .line,
        zip(strengths, samples).map { strength, sample in
          let mean = sample.mean(utility)
          return .init(x: Double(strength.lambda), y: mean.value, error: mean.error)
        })
    }
    return Chart(
      title: "Reward minus a KL penalty of \(Self.wantedBeta) a nat",
      x: Axis("λ, and β/λ of retraining", scale: .logarithmic),
      y: Axis("utility of a story"),
      series: [series("DeRa, validation", results.forms[0]), series("retrained, test", results.retrained)])
  }

  // MARK: Several rewards

  var twoRewards: String {
    """
    ## Two rewards at once

    h = (1 − λ_brief − λ_happy) · h_ref + λ_brief · h_brief + λ_happy · h_happy. Every cell is a policy of its own. Where both are \
    strong they pull against each other: a short story has less room for happy words.

    ![Reward brief over both λ](brief-grid.svg)
    ![Reward happy over both λ](happy-grid.svg)
    """
  }

  func gridChart(_ reward: StoryReward) -> HeatMap {
    let labels = Study.grid.map(number)
    return HeatMap(
      title: "Mean reward '\(reward.rawValue)'", x: "λ of brief", y: "λ of happy",
      value: "reward \(reward.rawValue)", columns: labels, rows: labels,
      values: results.grid.map { row in
        row.map { $0.mean { reward == .brief ? $0.brief : $0.happy }.value }
      })
  }
}
