import DeRaConsole
import DeRaEvaluation
import DeRaText

/// The files of a finished sweep.
enum SweepOutput {
  /// Names and texts. Everything is computed before anything is written, and the answers come last: without them the
  /// directory holds no finished sweep. They are sorted, so that the same sweep gives the same bytes however it was run.
  static func files(_ result: SweepResult) throws -> [(name: String, text: String)] {
    [
      ("summary.csv", result.csv), ("summary.json", try jsonText(Summary(result))),
      ("report.html", SweepReport(result).html),
      (SweepLog.name, try SweepFile.text(header: result.header, records: result.records)),
    ]
  }

  /// Writes every file atomically.
  /// - Throws: `FileError`.
  static func write(_ files: [(name: String, text: String)], to directory: String) throws {
    for (name, text) in files { try writeFile(text, "\(directory)/\(name)") }
  }

  /// The summary that `--json` prints.
  struct Summary: Encodable {
    var bundle: String
    var prompts: Int
    var seeds: Int
    var results: [SweepRow]
    var safeRange: SafeRange?
    /// Comparisons by λ.
    var exactMixture: [String: ExactComparison]
    /// Reasons why a λ has none, by λ.
    var exactMixtureMissing: [String: String]
    /// Figures at λ that were not drawn.
    var predictions: [ExactPrediction]
    var meaningfulRange: MeaningfulRange?

    init(_ result: SweepResult) {
      bundle = result.header.bundle
      prompts = result.header.prompts.count
      seeds = result.header.seeds
      results = result.rows
      safeRange = result.safeRange
      exactMixture = result.exact.comparisons
      exactMixtureMissing = result.exact.missing.mapValues { "\($0)" }
      predictions = result.exact.predictions
      meaningfulRange = result.exact.meaningful
    }
  }

  /// The table for the terminal: the figures that most readers come for.
  static func text(_ result: SweepResult) -> String {
    let names = ["tokens", "kl", "reverse_kl", "entropy", "distinct_2", "repetition"]
    let shown = result.metrics.filter { metric in
      names.contains(metric.name) || metric.name.hasPrefix("reward.") || metric.name == "refusal"
    }
    var table = Table([.init("λ"), .init("effective share")] + shown.map { .init($0.name) })
    table.rows = result.rows.map { row in
      [row.lambda, result.exact.comparisons[row.lambda].map { fixed($0.effectiveShare.mean, 3) } ?? "–"]
        + shown.map { metric in
          row.figures[metric.name].map { figure in
            fixed(figure.mean, 3) + (figure.interval.map { " (\(fixed($0.low, 3))–\(fixed($0.high, 3)))" } ?? "")
          } ?? "–"
        }
    }
    let reasons = Set(result.rows.compactMap { result.exact.missing[$0.lambda] }.map { "\($0)" }).sorted()
    let ranges = [result.safeRange?.text, result.exact.meaningful?.text].compactMap { $0 }
    return table.markdown + ranges.map { "\n\($0)" }.joined()
      + reasons.map { "\nno effective share: \($0)\n" }.joined()
  }
}
