import DeRaText

/// One bundle for a device, and why.
package struct Recommendation: Sendable, Equatable {
  /// nil when nothing fits.
  package let choice: FrontierResult?
  /// A sentence and a list for people, in Markdown.
  package let text: String

  /// Tokens a second that a reader does not wait for.
  package static let usualRate = 5.0

  /// Takes, of the bundles that fit and are fast enough, the one that loses least at its worst λ; among those that the
  /// measurement cannot tell from it (two standard errors), the one of least memory. Where none is fast enough, the fastest.
  /// - Parameter wanted: tokens a second that the device must be able to write; where its speed is unknown, nothing is too slow.
  package init(_ results: [FrontierResult], for device: Device, rate wanted: Double = Self.usualRate) {
    let bundles = results.filter { !$0.isSeparate }
    let fitting = bundles.filter { $0.memoryBytes <= device.memoryBytes }
    func rate(_ result: FrontierResult) -> Double { device.rate(of: result) ?? .infinity }
    let fast = fitting.filter { rate($0) >= wanted }
    let greatest = fitting.map(rate).max() ?? 0
    let pool = fast.isEmpty ? fitting.filter { rate($0) == greatest } : fast
    guard let best = pool.min(by: { $0.loss < $1.loss }), let worst = best.worst else {
      choice = nil
      text = Self.nothingFits(bundles, device)
      return
    }
    let limit = worst.divergence.value + 2 * worst.divergence.error
    let choice = pool.filter { $0.loss <= limit }.min { ($0.memoryBytes, $0.loss) < ($1.memoryBytes, $1.loss) } ?? best
    self.choice = choice
    var remarks = Self.figures(choice, device)
    if choice != best { remarks.append("\(best.name) measures no better beyond its error") }
    if let slower = fitting.filter({ rate($0) < wanted && $0.loss < best.loss }).min(by: { $0.loss < $1.loss }) {
      remarks.append(
        "\(slower.name) would be nearer (KL \(significant(slower.loss))), but writes no more than "
          + "\(fixed(rate(slower), 1)) tokens/s there")
    }
    if let smaller = Self.smaller(than: choice, bundles) { remarks.append(smaller) }
    if let rival = Self.rival(of: choice, results) { remarks.append(rival) }
    let place = "fits into the \(byteText(device.memoryBytes)) it has for the model"
    let count = "(\(fast.count) of \(bundles.count) candidates)"
    let reason =
      if fast.isEmpty {
        "it is the fastest of what \(place), and none of \(fitting.count) reaches \(shortest(wanted)) tokens/s there"
      } else if fast.count < fitting.count {
        "it stays nearest to 16 bits of what \(place) and can write \(shortest(wanted)) tokens/s there \(count)"
      } else {
        "it stays nearest to 16 bits of what \(place) \(count)"
      }
    text = "Take \(choice.name) for \(device.title): \(reason).\n" + remarks.map { "\n- \($0)" }.joined()
  }

  private static func nothingFits(_ bundles: [FrontierResult], _ device: Device) -> String {
    let smallest = bundles.min { $0.memoryBytes < $1.memoryBytes }
    return
      "Nothing fits into the \(byteText(device.memoryBytes)) that \(device.title) has for the model"
      + (smallest.map { "; the smallest bundle (\($0.name)) takes \(byteText($0.memoryBytes)), the program included" }
        ?? "")
      + ". Try fewer bits, a smaller model, or a shorter context."
  }

  private static func figures(_ choice: FrontierResult, _ device: Device) -> [String] {
    let worst = choice.worst.map { " (λ = \($0.lambda))" } ?? ""
    var speed = "\(fixed(choice.rate.median, 1)) tokens/s here"
    if !device.isHere, let bandwidth = device.bandwidth, let rate = device.rate(of: choice) {
      speed += ", at most \(fixed(rate, rate < 10 ? 1 : 0)) there (its memory delivers \(byteText(Int(bandwidth)))/s)"
    } else if !device.isHere {
      speed += "; the speed there is not known, so no bundle counts as too slow"
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
