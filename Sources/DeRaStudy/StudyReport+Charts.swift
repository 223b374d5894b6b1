import DeRaEvaluation
import DeRaText

extension StudyReport {
  /// File names without ending, and what is in them.
  var pictures: [(name: String, svg: String)] {
    var list = [
      ("reward", rewardChart.svg), ("reward-kl", divergenceChart.svg), ("forms", formsChart.svg),
      ("search", searchChart.svg), ("brief-grid", gridChart(.brief).svg), ("happy-grid", gridChart(.happy).svg),
      ("enumeration", enumerationChart.svg),
    ]
    for (index, strength) in strengths.enumerated() where strength.model != "brief" {
      list.append(("lengths-\(lambdas[index])", lengthChart(index).svg))
    }
    return list
  }

  private var ways: [(name: String, samples: [StorySample])] {
    [
      ("DeRa", results.forms[0]), ("retrained at β/λ", results.retrained), ("weights blended", results.forms[1]),
      ("DeRa from the early checkpoint", results.pretrained),
    ]
  }

  private var rewardChart: Chart {
    Chart(
      title: "Reward 'brief': DeRa at λ against retraining at β/λ", x: Axis("λ", scale: .logarithmic),
      y: Axis("mean reward"),
      series: ways.map { way in
        .init(
          way.name, .line,
          zip(strengths, way.samples).map { strength, sample in
            let mean = sample.mean(\.brief)
            return .init(x: Double(strength.lambda), y: mean.value, error: mean.error)
          })
      })
  }

  private var divergenceChart: Chart {
    Chart(
      title: "Reward 'brief' against distance from the reference",
      x: Axis("KL from the reference (nats a story)", scale: .logarithmic), y: Axis("mean reward"),
      series: ways.enumerated().map { index, way in
        .init(
          way.name, .line,
          zip(lambdas, way.samples).map { lambda, sample in
            let mean = sample.mean(\.brief)
            return .init(
              x: sample.mean { $0.divergences[Study.Comparison.reference.rawValue] }.value, y: mean.value,
              error: mean.error, label: index == 0 ? "λ = \(lambda)" : nil)
          })
      })
  }

  private var formsChart: Chart {
    Chart(
      title: "Distance from the retrained models, by form", x: Axis("λ", scale: .logarithmic),
      y: Axis("KL(form ‖ retrained) (nats a story)", scale: .logarithmic),
      series: zip(results.study.forms, results.forms).map { form, samples in
        .init(
          form.name, .line,
          zip(strengths, samples).map { strength, sample in
            let mean = sample.mean { $0.divergences[Study.Comparison.retrained.rawValue] }
            return .init(x: Double(strength.lambda), y: mean.value, error: mean.error)
          })
      })
  }

  private func lengthChart(_ index: Int) -> Chart {
    .histogram(
      title: "Length of a story at λ = \(lambdas[index])", x: Axis("words"),
      [
        ("DeRa", results.forms[0][index].stories.map(\.words)),
        ("retrained at β = \(strengths[index].beta)", results.retrained[index].stories.map(\.words)),
      ])
  }

  // MARK: Enumeration

  private static let tinyLambdas = [-1, -0.5, 0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8]
  private static let tinyCount = 20

  /// The loss from blending tokens instead of texts, mean over random languages of 4 tokens and texts of 5.
  private static let enumerated: [(kind: TinyLanguage.RewardKind, rows: [TinyRow])] = TinyLanguage.RewardKind.allCases
    .map {
      kind in
      let languages = (0..<tinyCount).map {
        TinyLanguage(vocabulary: 4, length: 5, kind: kind, seed: UInt64($0))
      }
      return (kind, tinyLambdas.map { TinyRow($0, languages) })
    }

  struct TinyRow {
    let lambda: Double
    /// KL(exact ‖ token by token), nats a text.
    let loss: Estimate
    /// KL(exact ‖ reference).
    let distance: Estimate
    let exactReward: Estimate
    let reward: Estimate

    init(_ lambda: Double, _ languages: [TinyLanguage]) {
      let cases = languages.map { language in
        let aligned = language.optimum(beta: 1)
        // β/λ; λ = 0 is no reward at all.
        let exact = lambda == 0 ? language.reference : language.optimum(beta: 1 / lambda)
        return (language, exact, language.realigned(aligned, lambda: lambda))
      }
      self.lambda = lambda
      loss = Estimate(meanOf: cases.map { TinyLanguage.divergence($0.1, $0.2) })
      distance = Estimate(meanOf: cases.map { TinyLanguage.divergence($0.1, $0.0.reference) })
      exactReward = Estimate(meanOf: cases.map { $0.0.reward($0.1) })
      reward = Estimate(meanOf: cases.map { $0.0.reward($0.2) })
    }
  }

  var enumeration: String {
    let tables = Self.enumerated.map { kind, rows in
      var table = Table([
        .init("λ"), .init("KL(exact ‖ DeRa)"), .init("KL(exact ‖ ref)"), .init("share lost"), .init("reward, exact"),
        .init("reward, DeRa"),
      ])
      table.rows = rows.map { row in
        [
          "\(row.lambda)", fixed(row.loss.value, 4), fixed(row.distance.value, 4),
          row.distance.value > 0 ? "\(fixed(100 * row.loss.value / row.distance.value, 1)) %" : "",
          fixed(row.exactReward.value, 3), fixed(row.reward.value, 3),
        ]
      }
      return "Reward: \(kind.rawValue).\n\n\(table.markdown)"
    }
    return """
      ## Token by token against whole texts

      DeRa multiplies distributions of tokens and normalises each; the optimum of β/λ multiplies distributions of texts. With \
      4 tokens and texts of 5 all 1,024 texts can be listed. Means over \(Self.tinyCount) random languages, aligned exactly at β = 1; \
      nats a text. λ = 0 and λ = 1 are exact.

      \(tables.joined(separator: "\n"))
      ![KL from the exact mixture](enumeration.svg)
      """
  }

  var enumerationChart: Chart {
    Chart(
      title: "Blending tokens instead of whole texts", x: Axis("λ"),
      y: Axis("KL from the exact optimum (nats a text)", includes: 0),
      series: Self.enumerated.flatMap { kind, rows in
        [
          .init(
            "DeRa: \(kind.rawValue)", .line,
            rows.map { .init(x: $0.lambda, y: $0.loss.value, error: $0.loss.error) })
        ]
      })
  }
}
