import DeRaText

/// One bundle for a device, and why.
package struct Recommendation: Sendable, Equatable {
  /// nil when nothing fits.
  package let choice: FrontierResult?
  /// A sentence and a list for people, in Markdown.
  package let text: String

  /// Takes, of the bundles that fit, the one that loses least at its worst λ; among those that the measurement cannot tell
  /// from it (two standard errors), the one of least memory.
  package init(_ results: [FrontierResult], for device: Device) {
    let bundles = results.filter { !$0.isSeparate }
    let fitting = bundles.filter { $0.memoryBytes <= device.memoryBytes }
    guard let best = fitting.min(by: { $0.loss < $1.loss }), let worst = best.worst else {
      choice = nil
      let smallest = bundles.min { $0.memoryBytes < $1.memoryBytes }
      text =
        "Nothing fits into the \(byteText(device.memoryBytes)) that \(device.title) has for the model"
        + (smallest.map { "; the smallest bundle (\($0.name)) takes \(byteText($0.memoryBytes)), the program included" }
          ?? "")
        + ". Try fewer bits, a smaller model, or a shorter context."
      return
    }
    let limit = worst.divergence.value + 2 * worst.divergence.error
    let choice =
      fitting.filter { $0.loss <= limit }.min { ($0.memoryBytes, $0.loss) < ($1.memoryBytes, $1.loss) } ?? best
    self.choice = choice
    var remarks = Self.figures(choice, device)
    if choice != best { remarks.append("\(best.name) measures no better beyond its error") }
    if let smaller = Self.smaller(than: choice, bundles) { remarks.append(smaller) }
    if let rival = Self.rival(of: choice, results) { remarks.append(rival) }
    text =
      "Take \(choice.name) for \(device.title): it stays nearest to 16 bits of what fits into the "
      + "\(byteText(device.memoryBytes)) it has for the model (\(fitting.count) of \(bundles.count) candidates).\n"
      + remarks.map { "\n- \($0)" }.joined()
  }

  private static func figures(_ choice: FrontierResult, _ device: Device) -> [String] {
    let worst = choice.worst.map { " (λ = \($0.lambda))" } ?? ""
    var speed = "\(fixed(choice.rate, 1)) tokens/s here"
    if let bandwidth = device.bandwidth, choice.readBytesPerToken > 0 {
      let rate = bandwidth / Double(choice.readBytesPerToken)
      speed += ", at most \(fixed(rate, rate < 10 ? 1 : 0)) there (its memory delivers \(byteText(Int(bandwidth)))/s)"
    }
    return [
      "KL \(significant(choice.loss)) nats a token at most\(worst)",
      "\(byteText(choice.fileBytes)) on disk, \(byteText(choice.memoryBytes)) resident", speed,
    ]
  }

  /// The best of those that take less.
  private static func smaller(than choice: FrontierResult, _ bundles: [FrontierResult]) -> String? {
    let smaller = bundles.filter { $0.fileBytes < choice.fileBytes && $0.memoryBytes < choice.memoryBytes }
    guard let next = smaller.min(by: { $0.loss < $1.loss }), choice.loss > 0 else { return nil }
    let saved = byteText(choice.fileBytes - next.fileBytes)
    return "\(next.name) would save \(saved) for \(times(next.loss / choice.loss)) the KL"
  }

  /// A comparison with separate models of no fewer bytes; failing that, with the largest ones.
  private static func rival(of choice: FrontierResult, _ results: [FrontierResult]) -> String? {
    let rivals = results.filter(\.isSeparate).sorted { $0.fileBytes < $1.fileBytes }
    guard let rival = rivals.first(where: { $0.fileBytes >= choice.fileBytes }) ?? rivals.last, choice.loss > 0 else {
      return nil
    }
    return
      "for comparison, \(rival.name) take \(byteText(rival.fileBytes)) and lose \(times(rival.loss / choice.loss)) as much"
  }

  private static func times(_ factor: Double) -> String { "\(fixed(factor, factor < 10 ? 1 : 0)) times" }
}
