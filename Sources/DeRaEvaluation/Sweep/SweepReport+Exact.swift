import DeRaText

extension SweepReport {
  /// The answers against the distribution that λ claims.
  var exactMixture: String {
    let exact = result.exact
    let range = exact.meaningful.map { ": \($0.interval)" } ?? ""
    return """
      <h2>Meaningful range\(range)</h2>
      <p>λ stands for the exact mixture: every model's probability of a whole answer to the power of its weight, normalised for each prompt. Decoding blends
      token by token, which is another distribution. Each answer is weighed by its probability under the mixture over that under decoding. <i>Effective
      share</i> is the part of the answers that these weights leave; at \(fixed(MeaningfulRange.threshold, 1)), where the meaningful range ends, no figure's
      mean is off by more than one standard deviation of the answers. KL(drawn ‖ exact) is ln mean W − mean ln W of a prompt's N answers, which is low by about
      (1/share − 1)/2N. Answers that were cut do not count.
      A share from few answers may be too large, since a rare one of great weight may be missing; at a small share all figures rest on a few answers.</p>
      \(exactTable)\(exactCharts.map { "<figure>\($0.svg)</figure>\n" }.joined())
      """
  }

  /// The metrics that readers come for.
  private var exactMetrics: [SweepMetric] {
    result.metrics.filter { ["tokens", "kl", "refusal"].contains($0.name) || $0.name.hasPrefix("reward.") }
  }

  private var exactTable: String {
    let metrics = exactMetrics
    var text =
      "<div class=\"wide\"><table>\n<tr><th>\(escaped(axis.label))</th><th>answers</th><th>effective share</th>"
    text += "<th>KL(drawn ‖ exact)</th>"
    text += metrics.map { "<th>\(escaped($0.label)), drawn</th><th>exact</th>" }.joined() + "</tr>\n"
    for (name, row) in zip(axis.names, result.rows) {
      text += "<tr><th>\(escaped(name))</th>"
      if let exact = result.exact.comparisons[row.lambda] {
        let cells = metrics.flatMap { metric in
          [exact.figures[metric.name]?.drawn, exact.figures[metric.name]?.exact].map(cell)
        }
        text +=
          "<td>\(exact.answers)</td>\(cell(exact.effectiveShare))\(cell(exact.divergence))\(cells.joined())</tr>\n"
      } else {
        let reason = result.exact.missing[row.lambda].map { "\($0)" } ?? "no answers"
        text += "<td class=\"text\" colspan=\"\(3 + 2 * metrics.count)\">not compared: \(escaped(reason))</td></tr>\n"
      }
    }
    return text + "</table></div>\n"
  }

  private func cell(_ figure: ConfidenceInterval?) -> String {
    guard let figure else { return "<td>–</td>" }
    let error = figure.interval.map { "<small> \(fixed($0.low, 3)) to \(fixed($0.high, 3))</small>" } ?? ""
    return "<td>\(fixed(figure.mean, 3))\(error)</td>"
  }

  /// Drawn, weighed and predicted figures against λ; none where λ differ in several models.
  var exactCharts: [Chart] {
    guard !result.exact.comparisons.isEmpty else { return [] }
    let drawn = zip(axis.places, result.rows).compactMap { place, row in
      result.exact.comparisons[row.lambda].map { (place, $0) }
    }
    let share = Chart(
      title: "Effective share", x: Axis(axis.label), y: Axis("share", includes: 0),
      series: [
        Chart.Series(
          "", .line,
          drawn.map { Chart.Point(x: $0, y: $1.effectiveShare.mean, interval: $1.effectiveShare.interval) })
      ])
    // Predicted λ have places only where the axis is one model's λ.
    let predictions = result.exact.predictions
    let all = result.header.axis(of: result.header.lambdas + predictions.map(\.lambda))
    let places = all.label == axis.label ? Array(all.places.dropFirst(result.header.lambdas.count)) : []
    return [share]
      + exactMetrics.map { metric in
        func point(_ place: Double, _ figure: ConfidenceInterval?) -> Chart.Point? {
          figure.map { Chart.Point(x: place, y: $0.mean, interval: $0.interval) }
        }
        let series = [
          Chart.Series("drawn", .line, drawn.compactMap { point($0, $1.figures[metric.name]?.drawn) }),
          Chart.Series("exact, weighed", .points, drawn.compactMap { point($0, $1.figures[metric.name]?.exact) }),
          Chart.Series(
            "exact, not drawn", .points, zip(places, predictions).compactMap { point($0, $1.figures[metric.name]) }),
        ]
        return Chart(
          title: "Drawn against exact: \(metric.name)", x: Axis(axis.label), y: Axis(metric.label),
          series: series.filter { !$0.points.isEmpty })
      }
  }
}
