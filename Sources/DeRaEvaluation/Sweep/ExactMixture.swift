import DeRa
import RealModule

/// The distribution that λ claims, over whole answers: π*(y) ∝ Π πᵢ(y)^wᵢ with weights 1 − Σλ, λ₁, … of the models.
///
/// Decoding blends token by token and normalises every token, which is another distribution π_λ unless one weight is 1 and
/// the others 0. An answer y drawn from π_λ has the weight W = Π πᵢ(y)^wᵢ / π_λ(y) in π*, up to a factor that depends on the
/// prompt alone: π* is normalised for each prompt, so weights are compared within a prompt, and prompts count alike.
/// Answers that were cut are left out; both distributions are then those of answers that end by themselves.
package struct ExactMixture: Sendable {
  /// Fewest ended answers to a prompt under one λ. N answers cannot have a share below 1/N, and weighing moves their
  /// figures by less than it should, by a part of about (1/share − 1)/N.
  package static let minimumAnswers = 8

  /// Figures that an answer has by itself, whatever drew it.
  package static func isReweighted(_ metric: String) -> Bool {
    !["finished", "kl", "reverse_kl", "entropy", "log_likelihood.policy"].contains(metric)
  }

  private let header: SweepHeader
  private let metrics: [SweepMetric]

  package init(_ header: SweepHeader) {
    self.header = header
    metrics = SweepMetric.all(of: header)
  }

  /// Why answers of this sweep cannot be weighed; nil where they can.
  package var obstacle: ExactMixtureError? {
    func number(_ name: String) -> Double { header.settings[name].flatMap { Double($0) } ?? 0 }
    if header.hasReferencePrompt { return .referencePrompt }
    if number("temperature") != 1 { return .temperature(header.settings["temperature"] ?? "?") }
    if number("top_k") != 0 { return .truncation("top-k \(header.settings["top_k"] ?? "?")") }
    if number("top_p") != 1 { return .truncation("top-p \(header.settings["top_p"] ?? "?")") }
    if number("plausible") != 0 { return .truncation("the plausibility mask") }
    return nil
  }

  /// Compares what was drawn under a λ with its exact mixture.
  /// - Parameter records: all answers under that λ.
  /// - Throws: `ExactMixtureError` where there is nothing to compare.
  package func compare(_ lambda: String, _ records: [SampleRecord]) throws(ExactMixtureError) -> ExactComparison {
    let weighed = try weigh(records, as: realignment(lambda))
    var figures: [String: ExactComparison.Figure] = [:]
    for metric in metrics where Self.isReweighted(metric.name) {
      let groups = weighed.compactMap { $0.values(metric.name) }
      guard groups.count == weighed.count else { continue }
      figures[metric.name] = figure(
        drawn: groups, exact: zip(weighed, groups).map { $0.weights.terms($1) }, metric.range)
    }
    let distances = weighed.compactMap { $0.values("kl") }
    if distances.count == weighed.count {
      figures["kl"] = figure(drawn: distances, exact: weighed.map(\.referenceTerms), .nonNegative)
    }
    guard let share = Self.share(weighed), let kl = Self.interval(weighed.map(\.weights.divergenceTerms), .nonNegative)
    else { throw .fewAnswers }
    return ExactComparison(
      answers: weighed.reduce(0) { $0 + $1.records.count }, prompts: weighed.count, effectiveShare: share,
      divergence: kl, figures: figures)
  }

  /// The figures of the exact mixture of a λ from answers drawn under another.
  /// - Throws: as `compare`.
  package func predict(
    _ target: Realignment, from lambda: String, _ records: [SampleRecord]
  ) throws(ExactMixtureError) -> ExactPrediction {
    let weighed = try weigh(records, as: target)
    guard let share = Self.share(weighed) else { throw .fewAnswers }
    var figures: [String: ConfidenceInterval] = [:]
    for metric in metrics where Self.isReweighted(metric.name) {
      let groups = weighed.compactMap { item in item.values(metric.name).map { item.weights.terms($0) } }
      if groups.count == weighed.count { figures[metric.name] = Self.interval(groups, metric.range) }
    }
    figures["kl"] = Self.interval(weighed.map(\.referenceTerms), .nonNegative)
    return ExactPrediction(
      lambda: header.text(of: target), drawnUnder: lambda, effectiveShare: share, figures: figures)
  }

  /// The effective share alone.
  /// - Throws: as `compare`.
  package func effectiveShare(_ target: Realignment, _ records: [SampleRecord]) throws(ExactMixtureError) -> Double {
    let weighed = try weigh(records, as: target)
    return weighed.reduce(0) { $0 + $1.weights.effectiveShare } / Double(weighed.count)
  }

  private func realignment(_ lambda: String) throws(ExactMixtureError) -> Realignment {
    guard let realignment = try? header.realignment(lambda) else { throw .noFigures }
    return realignment
  }

  /// Answers to one prompt with their weights.
  private struct Weighed {
    let records: [SampleRecord]
    let weights: MixtureWeights
    /// ln Π πᵢ(y)^wᵢ − ln π_ref(y)
    let gains: [Double]

    var referenceTerms: [Double] { weights.divergenceTerms(gains) }

    /// nil where an answer lacks the figure.
    func values(_ metric: String) -> [Double]? {
      let values = records.compactMap { $0.values[metric] }
      return values.count == records.count ? values : nil
    }
  }

  /// Prompts with too few ended answers are left out.
  private func weigh(_ records: [SampleRecord], as target: Realignment) throws(ExactMixtureError) -> [Weighed] {
    if let obstacle { throw obstacle }
    var groups: [Int: [(record: SampleRecord, logWeight: Double, gain: Double)]] = [:]
    for record in records where record.finishReason == .stop {
      guard let likelihoods = likelihoods(record), let policy = record.values["log_likelihood.policy"] else {
        throw .noFigures
      }
      let mixture = zip(target.weights, likelihoods).reduce(0) { $0 + Double($1.0) * $1.1 }
      groups[record.prompt, default: []].append((record, mixture - policy, mixture - likelihoods[0]))
    }
    let chosen = groups.sorted { $0.key < $1.key }.map(\.value).filter { $0.count >= Self.minimumAnswers }
    guard !chosen.isEmpty else { throw .fewAnswers }
    return chosen.map { answers in
      Weighed(
        records: answers.map(\.record), weights: MixtureWeights(answers.map(\.logWeight)), gains: answers.map(\.gain))
    }
  }

  /// `[models]`, the reference first; nil where one is missing.
  private func likelihoods(_ record: SampleRecord) -> [Double]? {
    let values = header.models.compactMap { record.values["log_likelihood.\($0)"] }
    return values.count == header.models.count ? values : nil
  }

  private static func share(_ weighed: [Weighed]) -> ConfidenceInterval? {
    interval(weighed.map(\.weights.shareTerms), .share)
  }

  private func figure(drawn: [[Double]], exact: [[Double]], _ range: ValueRange) -> ExactComparison.Figure? {
    let differences = zip(drawn, exact).map { zip($0, $1).map { $1 - $0 } }
    guard let drawn = Self.interval(drawn, range), let exact = Self.interval(exact, range),
      let difference = Self.interval(differences, .any)
    else { return nil }
    return ExactComparison.Figure(drawn: drawn, exact: exact, difference: difference)
  }

  /// Student's t over prompts, over answers where there is one prompt. Numbers without spread are known: equal weights have
  /// a share of 1, of which Wilson's interval would know less.
  private static func interval(_ groups: [[Double]], _ range: ValueRange) -> ConfidenceInterval? {
    let isConstant = groups.allSatisfy { group in group.allSatisfy { $0 == groups[0][0] } }
    return ConfidenceInterval(groups, in: isConstant ? .any : range)
  }
}

/// Why answers cannot be weighed against the exact mixture.
package enum ExactMixtureError: Error, Equatable, CustomStringConvertible {
  case temperature(String)
  /// A truncation by this name.
  case truncation(String)
  case referencePrompt
  case fewAnswers
  case noFigures

  package var description: String {
    switch self {
    case .temperature(let value): "answers were drawn at temperature \(value); weights need temperature 1"
    case .truncation(let name): "answers were drawn with \(name); weights need every token to be possible"
    case .referencePrompt: "the models' likelihoods after the reference prompt are not recorded"
    case .fewAnswers:
      "no prompt has \(ExactMixture.minimumAnswers) answers that ended by themselves; draw more seeds, or allow longer answers"
    case .noFigures: "log-likelihoods of an answer are missing"
    }
  }
}
