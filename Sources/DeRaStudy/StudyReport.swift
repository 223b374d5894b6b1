import DeRaConsole
import DeRaEvaluation
import DeRaText

/// The study as Markdown and pictures.
struct StudyReport {
  let results: StudyResults
  let cost: Table
  let stories: Int
  let groups: Int

  /// β that the search pretends the user wants: the penalty on KL in what is maximised.
  static let wantedBeta = 0.1

  init(_ results: StudyResults, cost: Table, stories: Int, groups: Int) {
    self.results = results
    self.cost = cost
    self.stories = stories
    self.groups = groups
  }

  var strengths: [Study.Strength] { results.study.strengths }
  var lambdas: [String] { strengths.map { number($0.lambda) } }

  /// Writes results.md and the pictures.
  /// - Throws: `FileError`.
  func write(to folder: String) throws {
    for (name, svg) in pictures { try writeFile(svg, "\(folder)/\(name).svg") }
    let samples: [[StorySample]] = [results.retrained] + results.forms + [results.pretrained] + results.grid
    let unfinished = samples.joined().reduce(0) { $0 + $1.stories.count { !$0.isFinished } }
    try writeFile(
      """
      # Results

      Written by `tools/study/run`: \(stories) stories of every policy at temperature 1, from their beginning, in \(groups) groups of \
      seeds. ± is one standard error; intervals are 95 % percentile bootstraps over the groups (4,000 resamples) unless another \
      method is named. KL is exact at every position and summed along the policy's own stories, in nats a story. \
      \(unfinished) of all stories did not end within 320 tokens and were cut.

      \(combination)
      \(enumeration)
      \(retraining)
      \(forms)
      \(ablation)
      \(search)
      \(twoRewards)
      ## Cost

      The embedded models have a million parameters, so these figures show the ratio, not a board's speed (that is what \
      `dera frontier` measures). Two separate models read what two single ones read.

      \(cost.markdown)
      """, "\(folder)/results.md")
  }

  // MARK: Logit combination

  private var combination: String {
    var table = Table(
      [.init("form", .left)] + StudyResults.combinationLambdas.map { .init("λ = \(number($0))") })
    table.rows = results.combination.map { row in [row.form] + row.errors.map(significant) }
    return """
      ## The blend of logits is the geometric mixture

      Largest difference between ln p under the blended logits and ln of the normalised p_ref^(1−λ) · p_a^λ, over all tokens of the \
      vocabulary along four stories, with decoding's own logits, each model having run alone before. In 16 bits it is float rounding; \
      below, the output matrix also rounds the blended state that it is applied to.

      \(table.markdown)
      """
  }

  // MARK: Retraining

  private var retraining: String {
    var table = Table([
      .init("λ"), .init("β/λ"), .init("reward, DeRa"), .init("retrained"), .init("words, DeRa"), .init("retrained"),
      .init("length distance"), .init("KL from ref, DeRa"), .init("retrained"), .init("KL(DeRa ‖ retrained)"),
      .init("KL(retrained ‖ DeRa)"),
    ])
    for (index, strength) in strengths.enumerated() {
      let (own, other) = (results.forms[0][index], results.retrained[index])
      table.rows.append([
        number(strength.lambda), "\(strength.beta)", estimateText(own.mean(\.brief), 3),
        estimateText(other.mean(\.brief), 3), estimateText(own.mean(\.words), 1), estimateText(other.mean(\.words), 1),
        fixed(wassersteinDistance(own.stories.map(\.words), other.stories.map(\.words)), 1),
        divergence(own, .reference), divergence(other, .reference), divergence(own, .retrained),
        divergence(other, .realigned),
      ])
    }
    let lengths = lambdas.indices.filter { strengths[$0].model != "brief" }.map {
      "![Lengths at λ = \(lambdas[$0])](lengths-\(lambdas[$0]).svg)\n"
    }
    return """
      ## DeRa at λ against retraining at β/λ

      Reward *brief*, aligned once at β = \(Study.beta). *Length distance* is the first Wasserstein distance of the two samples, in \
      words. At λ = 1 both are the same model, sampled with different seeds: what is left there is sampling noise.

      \(table.markdown)
      \(agreementTable([("16 bits", results.forms[0]), ("weights blended", results.forms[1]), ("early checkpoint as reference", results.pretrained)]))
      ![Reward against λ](reward.svg)
      ![Reward against KL](reward-kl.svg)
      \(lengths.joined())
      """
  }

  /// Correlations with the retrained models across λ.
  private func agreementTable(_ rows: [(name: String, samples: [StorySample])]) -> String {
    var table = Table([
      .init("", .left), .init("reward, Pearson"), .init("Spearman"), .init("mean difference"),
      .init("KL from ref, Pearson"), .init("Spearman"), .init("mean difference (nats)"),
    ])
    for row in rows {
      let pairs = zip(row.samples, results.retrained).map { (left: $0, right: $1) }
      let reward = Agreement(pairs, \.brief)
      let divergence = Agreement(pairs) { $0.divergences[Study.Comparison.reference.rawValue] }
      table.rows.append([
        row.name, interval(reward.pearson, reward.pearsonInterval), interval(reward.spearman, reward.spearmanInterval),
        fixed(reward.distance, 3), interval(divergence.pearson, divergence.pearsonInterval),
        interval(divergence.spearman, divergence.spearmanInterval), fixed(divergence.distance, 3),
      ])
    }
    return table.markdown
  }

  private var forms: String {
    let names = results.study.forms.map(\.name)
    func table(_ value: (StorySample, Int) -> String) -> String {
      var table = Table([.init("form", .left)] + lambdas.map { .init("λ = \($0)") })
      table.rows = zip(names, results.forms).map { name, samples in
        [name] + samples.enumerated().map { value($1, $0) }
      }
      return table.markdown
    }
    return """
      ## Does the agreement survive quantisation?

      Correlation of every form with the models retrained in 16 bits, across the same λ:

      \(agreementTable(zip(names, results.forms).map { ($0, $1) }))
      Reward:

      \(table { sample, _ in estimateText(sample.mean(\.brief), 3) })
      KL(form ‖ retrained at β/λ), nats a story:

      \(table { sample, _ in divergence(sample, .retrained) })
      KL(form ‖ DeRa in 16 bits at the same λ), nats a story: what the form itself costs.

      \(table { sample, _ in divergence(sample, .realigned) })
      ![KL from the retrained models for every form](forms.svg)
      """
  }

  private var ablation: String {
    var table = Table([
      .init("λ"), .init("reward"), .init("of the SFT reference"), .init("KL(DeRa ‖ retrained)"),
      .init("of the SFT reference"),
    ])
    for index in strengths.indices {
      let (early, own) = (results.pretrained[index], results.forms[0][index])
      table.rows.append([
        lambdas[index], estimateText(early.mean(\.brief), 3), estimateText(own.mean(\.brief), 3),
        divergence(early, .retrained), divergence(own, .retrained),
      ])
    }
    return """
      ## Ablation: an early checkpoint as the reference

      The reference after 12 % of its training takes the reference's place in the blend; the aligned model is the same.

      \(table.markdown)
      """
  }

  // MARK: Text

  func number(_ value: Float) -> String { value == value.rounded() ? "\(Int(value))" : "\(value)" }

  func divergence(_ sample: StorySample, _ comparison: Study.Comparison) -> String {
    estimateText(sample.mean { $0.divergences[comparison.rawValue] }, 3)
  }

  func interval(_ value: Double, _ interval: Interval) -> String {
    "\(fixed(value, 3)) [\(fixed(interval.low, 3)), \(fixed(interval.high, 3))]"
  }
}
