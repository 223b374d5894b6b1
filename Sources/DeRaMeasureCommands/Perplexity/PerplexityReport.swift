import DeRa
import DeRaConsole
import DeRaEvaluation
import DeRaText

/// The report that `dera perplexity` prints.
package struct PerplexityReport: Encodable {
  package var bundle: String
  package var against: String?
  package var file: String
  package var blend: Blend
  package var context: Int
  package var chunks: Int
  package var results: [Row]
  package var directions: [Direction]

  /// One λ.
  package struct Row: Encodable {
    package var lambda: String
    package var tokens: Int
    /// Nats a token.
    package var meanLoss: Estimate
    package var perplexity: Estimate
    package var divergence: DivergenceReport?

    enum CodingKeys: String, CodingKey {
      case lambda, tokens, divergence
      case meanLoss = "meanNll"
      case perplexity = "ppl"
    }

    package init(lambda: String, scores: TokenScores) {
      self.lambda = lambda
      tokens = scores.losses.count
      meanLoss = scores.meanLoss
      perplexity = scores.perplexity
      divergence = scores.baseLosses.isEmpty ? nil : DivergenceReport(scores)
    }
  }

  /// One aligned model's direction.
  package struct Direction: Encodable {
    package var model: String
    package var report: DirectionReport?

    package init(model: String, report: DirectionReport?) {
      self.model = model
      self.report = report
    }
  }

  package init(_ job: PerplexityJob, _ totals: PerplexityTotals) {
    bundle = job.bundle
    against = job.against
    file = job.file
    blend = job.blend
    context = job.context
    chunks = job.chunks
    results = zip(job.lambdas, totals.scores).map(Row.init)
    directions = zip(job.models, totals.directionReports).map(Direction.init)
  }

  func formatted(_ format: ReportFormat) throws -> String {
    switch format {
    case .text: text
    case .tsv: tsv
    case .json: try jsonText(self)
    }
  }

  /// A table; with a bundle to compare with, llama.cpp's report for every λ and the directions.
  package var text: String { (blend == .weights ? "λ blends weights\n\n" : "") + figures }

  private var figures: String {
    guard against != nil else {
      var table = Table([.init("λ"), .init("PPL"), .init("mean NLL"), .init("tokens")])
      table.rows = results.map { row in
        [row.lambda, estimateText(row.perplexity, 4), estimateText(row.meanLoss, 5), "\(row.tokens)"]
      }
      return table.markdown
    }
    var table = Table([.init("model", .left), .init("relative error"), .init("cosine"), .init("gain")])
    table.rows = directions.map {
      [
        $0.model, fixed($0.report?.relativeError ?? .nan, 5), fixed($0.report?.cosine ?? .nan, 6),
        fixed($0.report?.gain ?? .nan, 5),
      ]
    }
    let reports = results.map { "λ = \($0.lambda), \($0.tokens) tokens\n\n\($0.divergence?.text ?? "")\n" }
    return reports.joined() + (directions.isEmpty ? "" : "====== Direction h_m - h_ref ======\n\(table.markdown)")
  }

  /// A row a λ; the direction's figures are in the JSON.
  package var tsv: String {
    var columns: [(name: String, value: (Row) -> String)] = [
      ("lambda", { $0.lambda }), ("tokens", { "\($0.tokens)" }), ("ppl", { "\($0.perplexity.value)" }),
      ("ppl_error", { "\($0.perplexity.error)" }), ("mean_nll", { "\($0.meanLoss.value)" }),
      ("mean_nll_error", { "\($0.meanLoss.error)" }),
    ]
    if against != nil {
      let estimates: [(String, KeyPath<DivergenceReport, Estimate>)] = [
        ("ppl_base", \.basePerplexity), ("ln_ratio", \.logRatio), ("kld_mean", \.divergence.mean),
        ("delta_p_mean", \.probabilityChange.mean), ("delta_p_rms", \.probabilityChangeRMS), ("same_top_p", \.sameTop),
      ]
      for (name, path) in estimates {
        columns.append((name, { $0.divergence.map { "\($0[keyPath: path].value)" } ?? "" }))
        columns.append(("\(name)_error", { $0.divergence.map { "\($0[keyPath: path].error)" } ?? "" }))
      }
      columns.append(("kld_max", { $0.divergence.map { "\($0.divergence.maximum)" } ?? "" }))
      columns.append(("kld_median", { $0.divergence.map { "\($0.divergence.percentiles[5])" } ?? "" }))
    }
    let rows = [columns.map(\.name)] + results.map { row in columns.map { $0.value(row) } }
    return rows.map { $0.joined(separator: "\t") + "\n" }.joined()
  }
}
