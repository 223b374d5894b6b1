import DeRaText

/// A sweep as one page: charts, tables and answers side by side, in light and dark, with nothing to load.
package struct SweepReport: Sendable {
  let result: SweepResult
  private var header: SweepHeader { result.header }
  let axis: LambdaAxis

  /// Prompts whose answers are shown.
  package static let shownPrompts = 6

  package init(_ result: SweepResult) {
    self.result = result
    axis = result.header.axis(of: result.header.lambdas)
  }

  /// The page.
  package var html: String {
    let charts = charts.map { "<figure>\($0.svg)</figure>\n" }.joined()
    let body = """
      <p>\(summary)</p>
      <section class="charts">
      \(charts)</section>
      \(safeRange)\(exactMixture)<h2>Figures</h2>
      <p>Means with 95 % confidence intervals (Student's t over \(header.prompts.count > 1 ? "prompts" : "seeds"), on a
      scale where they stay among the values that a figure can have). KL divergences are sums over an answer's
      tokens of the whole distributions' divergence: KL(π_λ ‖ π_ref) along answers drawn under λ, KL(π_ref ‖ π_λ) along the
      reference's own. π_λ is the blend at temperature 1.\(referenceNote)</p>
      \(table)<h2>Answers side by side</h2>
      <p>The first seed of the first \(count(min(Self.shownPrompts, header.ownPrompts.count), "prompt")). All λ draw with the same random numbers.</p>
      \(answers)<h2>Settings</h2>
      \(settings)
      """
    return PageStyle.page(titled: "Sweep of \(header.bundle)", body)
  }

  private var summary: String {
    let aligned = header.models.dropFirst().joined(separator: ", ")
    return escaped(
      "\(count(header.ownPrompts.count, "prompt")) × \(header.lambdas.count) λ × \(count(header.seeds, "seed")); "
        + "aligned \(aligned.isEmpty ? "none" : aligned).")
  }

  private var referenceNote: String {
    guard header.hasReferencePrompt else { return "" }
    return " π_ref is \(header.models.count > 1 ? "the reference model" : "the model") after the reference prompt; "
      + "ln p(answer) is after the prompt."
  }

  private func count(_ number: Int, _ name: String) -> String { "\(number) \(name)\(number == 1 ? "" : "s")" }

  private var table: String {
    let shown = result.metrics.filter { metric in result.rows.contains { $0.figures[metric.name] != nil } }
    var text = "<div class=\"wide\"><table>\n<tr><th>\(escaped(axis.label))</th>"
    text += shown.map { "<th>\(escaped($0.label))</th>" }.joined() + "</tr>\n"
    for (name, row) in zip(axis.names, result.rows) {
      let cells = shown.map { metric -> String in
        guard let figure = row.figures[metric.name] else { return "<td>–</td>" }
        let decimals = abs(figure.mean) >= 100 ? 1 : 3
        let error =
          figure.interval.map { "<small> \(fixed($0.low, decimals)) to \(fixed($0.high, decimals))</small>" } ?? ""
        return "<td>\(fixed(figure.mean, decimals))\(error)</td>"
      }
      text += "<tr><th>\(escaped(name))</th>\(cells.joined())</tr>\n"
    }
    return text + "</table></div>\n"
  }

  private var answers: String {
    let known = Dictionary(result.records.map { ($0.key, $0) }) { first, _ in first }
    return header.ownPrompts.prefix(Self.shownPrompts).map { index in
      let prompt = header.prompts[index]
      let columns = zip(axis.names, header.lambdas).map { name, lambda -> String in
        let record = known[SampleKey(lambda: lambda, prompt: index, seed: 0)]
        let end = record?.finishReason == .stop ? "" : " <small>(cut)</small>"
        return "<div><h4>\(escaped("\(axis.label) = \(name)"))</h4><p>\(escaped(record?.text ?? ""))\(end)</p></div>"
      }
      let name = prompt.id.map { "\($0): " } ?? ""
      return
        "<h3>\(escaped(name + prompt.text))</h3>\n<div class=\"answers\">\n\(columns.joined(separator: "\n"))\n</div>\n"
    }.joined()
  }

  private var safeRange: String {
    guard let range = result.safeRange else { return "" }
    let rows = range.failures.map { failure -> String in
      func cell(_ edge: SafeRange.Edge?) -> String {
        edge.map { "between \(fixed($0.passes, 3)) and \(fixed($0.fails, 3))" } ?? "not found"
      }
      return
        "<tr><th>\(escaped(failure.criterion))</th><td>\(fixed(failure.threshold, 3))</td><td>\(cell(failure.below))</td>"
        + "<td>\(cell(failure.above))</td></tr>\n"
    }
    let ends = range.searched.map(range.number)
    return """
      <h2>Safe range: \(range.interval)</h2>
      <p>Searched from \(ends.joined(separator: " to ")) by bisection. A criterion fails where its figure leaves the threshold, which comes
      from the worse of λ = 0 and λ = 1.</p>
      <figure>\(failureChart(range).svg)</figure>
      <div class="wide"><table><tr><th>criterion</th><th>threshold</th><th>sets in below 0</th><th>sets in above 1</th></tr>
      \(rows.joined())</table></div>

      """
  }

  private var settings: String {
    let rows = header.settings.sorted { $0.key < $1.key }.map {
      "<tr><th>\(escaped($0.key))</th><td class=\"text\">\(escaped($0.value))</td></tr>\n"
    }
    return "<div class=\"wide\"><table>\n\(rows.joined())</table></div>\n"
  }
}

extension SweepReport {
  /// The charts of the page, each a picture of its own.
  package var charts: [Chart] {
    let rewards = result.metrics.filter { $0.name.hasPrefix("reward.") || $0.name == "refusal" }
    var charts = rewards.map(frontier)
    if let tokens = result.metrics.first(where: { $0.name == "tokens" }) { charts.append(againstLambda(tokens)) }
    charts += rewards.map(againstLambda)
    charts.append(
      againstLambda(
        title: "Distance from the reference", y: "KL per answer (nats)",
        [("KL(π_λ ‖ π_ref)", "kl"), ("KL(π_ref ‖ π_λ)", "reverse_kl")]))
    charts.append(againstLambda(title: "Entropy", y: "entropy (nats per token)", [("", "entropy")]))
    charts.append(
      againstLambda(
        title: "Variety", y: "share", [("distinct pairs", "distinct_2"), ("repeated 4-grams", "repetition")]))
    return charts
  }

  /// A reward against the distance from the reference: what an alignment strength buys, and what it costs.
  private func frontier(_ metric: SweepMetric) -> Chart {
    let points = zip(axis.names, result.rows).compactMap { label, row -> Chart.Point? in
      guard let reward = row.figures[metric.name], let distance = row.mean("kl") else { return nil }
      return Chart.Point(x: distance, y: reward.mean, interval: reward.interval, label: label)
    }
    let name = metric.label.prefix(1).uppercased() + metric.label.dropFirst()
    return Chart(
      title: "\(name) against KL, by \(axis.label)", x: Axis("KL(π_λ ‖ π_ref) per answer (nats)"),
      y: Axis(metric.label),
      series: [Chart.Series("", .line, points)])
  }

  private func againstLambda(_ metric: SweepMetric) -> Chart {
    let name = metric.label.prefix(1).uppercased() + metric.label.dropFirst()
    return againstLambda(title: String(name.prefix { $0 != "(" }), y: metric.label, [("", metric.name)])
  }

  private func againstLambda(title: String, y: String, _ metrics: [(name: String, metric: String)]) -> Chart {
    let series = metrics.map { name, metric in
      let points = zip(axis.places, result.rows).compactMap { place, row in
        row.figures[metric].map { Chart.Point(x: place, y: $0.mean, interval: $0.interval) }
      }
      return Chart.Series(name, .line, points.sorted { $0.x < $1.x })
    }
    return Chart(title: title, x: Axis(axis.label), y: Axis(y), series: series.filter { !$0.points.isEmpty })
  }

  /// The figures that decide the safe range, at every λ that was looked at, and the range's ends as upright lines.
  private func failureChart(_ range: SafeRange) -> Chart {
    let base = range.probes.first { $0.lambda == 0 }?.values["entropy"] ?? 1
    let curves: [(name: String, metric: String, unit: Double)] = [
      ("entropy (of that at λ = 0)", "entropy", base), ("repeated 4-grams", "repetition", 1),
      ("outside the support", "unsupported", 1),
    ]
    var series = curves.map { name, metric, unit in
      Chart.Series(
        name, .line,
        range.probes.compactMap { probe in probe.values[metric].map { Chart.Point(x: probe.lambda, y: $0 / unit) } })
    }
    let top = series.flatMap(\.points).map(\.y).max() ?? 1
    series.append(Chart.Series("lower end", .line, [0, top].map { Chart.Point(x: range.low, y: $0) }))
    series.append(Chart.Series("upper end", .line, [0, top].map { Chart.Point(x: range.high, y: $0) }))
    return Chart(title: "Where sampling fails", x: Axis("λ"), y: Axis("share"), series: series)
  }
}
