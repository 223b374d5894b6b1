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

  init(_ settings: FrontierSettings, _ results: [FrontierResult], device: Device) {
    self.settings = settings
    self.results = results.sorted { ($0.fileBytes, $0.name) < ($1.fileBytes, $1.name) }
    recommendation = Recommendation(results, for: device)
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

  private var mainTable: String {
    var table = Table(
      [.init("", .left), .init("bundle", .left), .init("on disk"), .init("resident"), .init("tokens/s")]
        + lambdas.map { .init("KL, λ = \($0)") } + [.init("same top")])
    table.rows = results.map { result in
      let top = result.quality.map(\.sameTop.value).min()
      return [
        front.contains(result.name) ? "●" : "", result.name, byteText(result.fileBytes), byteText(result.memoryBytes),
        "\(fixed(result.rate, 1)) ± \(fixed(result.rateDeviation, 1))",
      ]
        + lambdas.indices.map {
          result.quality.indices.contains($0) ? significant(result.quality[$0].divergence.value) : ""
        }
        + [top.map { "\(fixed(100 * $0, 1)) %" } ?? ""]
    }
    return table.markdown
  }

  private func details(_ heading: String, _ value: (FrontierResult.Quality) -> String) -> String {
    var table = Table([.init("bundle", .left)] + lambdas.map { .init("λ = \($0)") })
    table.rows = results.map { [$0.name] + $0.quality.map(value) }
    return "## \(heading)\n\n\(table.markdown)\n"
  }

  private func chart(_ index: Int, weights: Bool) -> Chart {
    results.chart(
      lambda: index, blendsWeights: weights,
      title: "Memory against quality at λ = \(lambdas.isEmpty ? "?" : lambdas[index])"
        + (weights ? ", weights blended" : ""))
  }

  /// Writes frontier.md and the pictures.
  /// - Throws: `FileError`.
  func write(to folder: String) throws {
    var pictures = ""
    let kinds = [false, true].filter { kind in results.contains { !$0.isSeparate && $0.blendsWeights == kind } }
    for (index, lambda) in lambdas.enumerated() {
      for weights in kinds {
        let name = "kl-\(fileName(lambda))\(weights ? "-weights" : "").svg"
        try writeFile(chart(index, weights: weights).svg, "\(folder)/\(name)")
        pictures += "![KL against size at λ = \(lambda)](\(name))\n\n"
      }
    }
    let commands = front.compactMap { name in results.first { $0.name == name }?.command }
    try writeFile(
      """
      # Memory against quality

      Reference `\(settings.reference)`, aligned \(settings.aligned.map { "`\($0)`" }.joined(separator: ", ")); text \
      `\(settings.file)`, at most \(settings.chunks) chunks of \(settings.context) tokens, the second half of each scored. \
      *Resident* is what the process held after a prompt of \(settings.context) tokens; *tokens/s* has the standard deviation of \
      its repetitions; *same top* is the smallest share \
      over the λ. A dot marks what no smaller bundle beats (at its worst λ).

      \(recommendation.text)

      \(mainTable)
      \(pictures)\(details("Mean KL from 16 bits, nats a token") { "\(significant($0.divergence.value)) ± \(significant($0.divergence.error))" })
      \(details("Perplexity") { estimateText($0.perplexity, 3) })
      \(details("Same likeliest token") { "\(fixed(100 * $0.sameTop.value, 2)) ± \(fixed(100 * $0.sameTop.error, 2)) %" })
      ## Commands of the front

      ```
      \(commands.joined(separator: "\n"))
      ```

      """, "\(folder)/frontier.md")
  }
}
