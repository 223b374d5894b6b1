import DeRaCommands
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

    init(_ result: SweepResult) {
      bundle = result.header.bundle
      prompts = result.header.prompts.count
      seeds = result.header.seeds
      results = result.rows
      safeRange = result.safeRange
    }
  }

  /// The table for the terminal: the figures that most readers come for.
  static func text(_ result: SweepResult) -> String {
    let names = ["tokens", "kl", "reverse_kl", "entropy", "distinct_2", "repetition"]
    let shown = result.metrics.filter { metric in
      names.contains(metric.name) || metric.name.hasPrefix("reward.") || metric.name == "refusal"
    }
    var table = Table([.init("λ")] + shown.map { .init($0.name) })
    table.rows = result.rows.map { row in
      [row.lambda]
        + shown.map { metric in
          row.figures[metric.name].map { figure in
            fixed(figure.mean, 3) + (figure.interval.map { " (\(fixed($0.low, 3))–\(fixed($0.high, 3)))" } ?? "")
          } ?? "–"
        }
    }
    return table.markdown + (result.safeRange.map { "\n\($0.text)" } ?? "")
  }
}
