/// A figure that a sweep reports per λ.
package struct SweepMetric: Sendable, Equatable {
  package var name: String
  /// The name that an axis shows, with its unit.
  package var label: String
  /// Its possible values.
  package var range: ValueRange

  /// The metrics of a sweep, in the order of its tables.
  package static func all(of header: SweepHeader) -> [SweepMetric] {
    var list: [(String, String, ValueRange)] = [
      ("tokens", "length (tokens)", .nonNegative), ("finished", "answers that end by themselves (share)", .share),
      ("kl", "KL(π_λ ‖ π_ref) per answer (nats)", .nonNegative),
      ("reverse_kl", "KL(π_ref ‖ π_λ) per answer (nats)", .nonNegative),
      ("entropy", "entropy (nats per token)", .nonNegative), ("distinct_1", "distinct tokens (share)", .share),
      ("distinct_2", "distinct pairs of tokens (share)", .share), ("repetition", "repeated 4-grams (share)", .share),
      ("unsupported", "tokens outside the reference's support (share)", .share),
      ("log_likelihood.policy", "ln π_λ(answer) (nats)", .nonPositive),
    ]
    list += header.models.map { ("log_likelihood.\($0)", "ln p(answer) under \($0) (nats)", .nonPositive) }
    if header.settings["refusals"] != nil { list.append(("refusal", "refusals (share)", .share)) }
    list += header.rewards.map { name in
      ("reward.\(name)", "reward \(name)", rewardRange(header.settings["reward.\(name)"] ?? ""))
    }
    return list.map { SweepMetric(name: $0.0, label: $0.1, range: $0.2) }
  }

  /// The range of a reward of the kind that a sweep's settings record; a command may print any number.
  private static func rewardRange(_ setting: String) -> ValueRange {
    switch setting.prefix(while: { $0 != ":" }) {
    case "regex": .share
    case "length", "bundle": .nonPositive
    default: .any
    }
  }
}

/// The figures of a sweep under one λ.
package struct SweepRow: Codable, Sendable, Equatable {
  package var lambda: String
  package var samples: Int
  /// Intervals by the metric's name; a metric that no answer has is left out.
  package var figures: [String: ConfidenceInterval]

  /// - Parameters:
  ///   - records: the answers under one λ.
  ///   - metrics: their ranges; figures that they do not name may have any value.
  package init(lambda: String, records: [SampleRecord], metrics: [SweepMetric] = []) {
    self.lambda = lambda
    samples = records.count
    var groups: [String: [Int: [Double]]] = [:]
    for record in records {
      for (name, value) in record.values { groups[name, default: [:]][record.prompt, default: []].append(value) }
    }
    let ranges = Dictionary(metrics.map { ($0.name, $0.range) }) { first, _ in first }
    figures = [:]
    for (name, byPrompt) in groups {
      figures[name] = ConfidenceInterval(
        byPrompt.sorted { $0.key < $1.key }.map(\.value), in: ranges[name] ?? .any)
    }
  }

  package func mean(_ name: String) -> Double? { figures[name]?.mean }
}

/// A finished sweep: its answers and what they say.
package struct SweepResult: Sendable {
  package var header: SweepHeader
  /// Sorted, those drawn in search of the safe range included.
  package var records: [SampleRecord]
  /// One for each λ asked for.
  package var rows: [SweepRow]
  package var metrics: [SweepMetric]
  package var safeRange: SafeRange?
  /// The answers against the distribution that λ claims.
  package var exact: ExactResults

  /// - Throws: `MergeError.incomplete` when an answer that the header asks for is missing.
  package init(header: SweepHeader, records: some Sequence<SampleRecord>, safeRange: SafeRange? = nil)
    throws(MergeError)
  {
    let known = Dictionary(records.map { ($0.key, $0) }) { first, _ in first }
    let missing = header.keys.count { known[$0] == nil }
    guard missing == 0 else {
      throw .incomplete(
        name: "the sweep of \(header.bundle)", missing: "\(missing) of \(header.keys.count) answers are missing")
    }
    self.header = header
    self.records = header.sorted(known.values)
    let metrics = SweepMetric.all(of: header)
    rows = header.lambdas.map { lambda in
      SweepRow(lambda: lambda, records: header.keys(lambda: lambda).compactMap { known[$0] }, metrics: metrics)
    }
    self.metrics = metrics
    self.safeRange = safeRange
    exact = ExactResults(header: header, records: self.records)
  }

  /// Comma-separated values: a row a λ; for every metric its mean and the ends of its 95 % interval, then the comparison with
  /// the exact mixture, whose figures end in `.exact`.
  package var csv: String {
    let weighed = metrics.map(\.name).filter { $0 == "kl" || ExactMixture.isReweighted($0) }
    let names = metrics.map(\.name) + ["effective_share", "kl_drawn_exact"] + weighed.map { "\($0).exact" }
    var lines = [(["lambda", "samples"] + names.flatMap { [$0, "\($0).low", "\($0).high"] }).map(Self.cell)]
    for row in rows {
      let exact = exact.comparisons[row.lambda]
      let figures =
        metrics.map { row.figures[$0.name] } + [exact?.effectiveShare, exact?.divergence]
        + weighed.map { exact?.figures[$0]?.exact }
      let cells = figures.flatMap { figure in
        [figure?.mean, figure?.low, figure?.high].map { $0.map { "\($0)" } ?? "" }
      }
      lines.append([Self.cell(row.lambda), "\(row.samples)"] + cells)
    }
    return lines.map { $0.joined(separator: ",") + "\n" }.joined()
  }

  /// RFC 4180: quoted where it must be.
  private static func cell(_ text: String) -> String {
    let special: Set<Character> = [",", "\"", "\n", "\r\n", "\r"]
    guard text.contains(where: special.contains) else { return text }
    return "\"\(text.replacing("\"", with: "\"\""))\""
  }
}
