import DeRaConsole
import DeRaEvaluation
import DeRaText

/// The report that `dera frontier` shows and writes.
struct FrontierReport {
  let settings: FrontierSettings
  let results: [FrontierResult]
  let recommendation: Recommendation
  /// Names on the front.
  private let front: [String]

  init(_ settings: FrontierSettings, _ results: [FrontierResult], device: Device, rate: Double) {
    self.settings = settings
    self.results = results.sorted { ($0.fileBytes, $0.name) < ($1.fileBytes, $1.name) }
    recommendation = Recommendation(results, for: device, rate: rate)
    front = results.filter { !$0.isSeparate }.front
  }

  private var lambdas: [String] { results.first?.quality.map(\.lambda) ?? [] }

  /// The text for a terminal: the table, the curves at the λ of the largest loss, the recommendation.
  var text: String {
    let worst = recommendation.choice?.worst?.lambda ?? lambdas.last
    let index = lambdas.firstIndex { $0 == worst } ?? 0
    return """
      \(mainTable)
      ● no smaller bundle loses less (at its worst λ). KL is from the 16-bit models, in nats a token.

      KL at λ = \(worst ?? "?")
      \(chart(index, weights: recommendation.choice?.blendsWeights ?? false).text())
      \(recommendation.text)
      \(choiceCommand)
      """
  }

  private var choiceCommand: String { recommendation.choice.map { "\n  \($0.command)\n" } ?? "" }

  private var mainTable: String { figures.markdown }

  var figures: Table {
    var table = Table(
      [.init("", .left), .init("bundle", .left), .init("on disk"), .init("resident"), .init("tokens/s")]
        + lambdas.map { .init("KL, λ = \($0)") } + [.init("same top")])
    table.rows = results.map { result in
      let top = result.quality.map(\.sameTop.value).min()
      return [
        front.contains(result.name) ? "●" : "", result.name, byteText(result.fileBytes), byteText(result.memoryBytes),
        result.rate.text(1),
      ]
        + lambdas.indices.map {
          result.quality.indices.contains($0) ? significant(result.quality[$0].divergence.value) : ""
        }
        + [top.map { "\(fixed(100 * $0, 1)) %" } ?? ""]
    }
    return table
  }

  /// One figure of all bundles at all λ.
  struct Details {
    let heading: String
    let table: Table
  }

  var details: [Details] {
    [
      details("Mean KL from 16 bits, nats a token") {
        "\(significant($0.divergence.value)) ± \(significant($0.divergence.error))"
      }, details("Perplexity") { estimateText($0.perplexity, 3) },
      details("Same likeliest token") {
        "\(fixed(100 * $0.sameTop.value, 2)) ± \(fixed(100 * $0.sameTop.error, 2)) %"
      },
    ]
  }

  private func details(_ heading: String, _ value: (FrontierResult.Quality) -> String) -> Details {
    var table = Table([.init("bundle", .left)] + lambdas.map { .init("λ = \($0)") })
    table.rows = results.map { [$0.name] + $0.quality.map(value) }
    return Details(heading: heading, table: table)
  }

  private func chart(_ index: Int, weights: Bool) -> Chart {
    results.chart(
      lambda: index, blendsWeights: weights,
      title: "Memory against quality at λ = \(lambdas.isEmpty ? "?" : lambdas[index])"
        + (weights ? ", weights blended" : ""))
  }

  /// One for every λ and what it blends, with the names of their files.
  var charts: [(name: String, lambda: String, chart: Chart)] {
    let kinds = [false, true].filter { kind in results.contains { !$0.isSeparate && $0.blendsWeights == kind } }
    return lambdas.enumerated().flatMap { index, lambda in
      kinds.map { weights in
        ("kl-\(fileName(lambda))\(weights ? "-weights" : "").svg", lambda, chart(index, weights: weights))
      }
    }
  }

  var commands: [String] {
    front.compactMap { name in results.first { $0.name == name }?.command }
  }

  /// Writes frontier.md, report.html and the pictures.
  /// - Throws: `FileError`.
  func write(to folder: String) throws {
    for (name, _, chart) in charts { try writeFile(chart.svg, "\(folder)/\(name)") }
    try writeFile(markdown, "\(folder)/frontier.md")
    try writeFile(html, "\(folder)/report.html")
  }

  static let legend =
    "*Resident* is what the process held after the prompt; *tokens/s* is the median of the repetitions, with the slowest and the "
    + "fastest; *same top* is the smallest share over the λ. A dot marks what no smaller bundle beats (at its worst λ)."

  private var markdown: String {
    let pictures = charts.map { "![KL against size at λ = \($0.lambda)](\($0.name))\n\n" }.joined()
    return """
      # Memory against quality

      Reference `\(settings.reference)`, aligned \(settings.aligned.map { "`\($0)`" }.joined(separator: ", ")); text \
      `\(settings.file)`, at most \(settings.chunks) chunks of \(settings.context) tokens, the second half of each scored. \
      \(Self.legend)

      \(recommendation.text)

      \(mainTable)
      \(pictures)\(details.map { "## \($0.heading)\n\n\($0.table.markdown)\n" }.joined(separator: "\n"))
      ## Commands of the front

      ```
      \(commands.joined(separator: "\n"))
      ```

      """
  }
}
