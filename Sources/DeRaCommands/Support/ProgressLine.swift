import DeRaEvaluation
import DeRaPlatform

/// How far a long computation is and how long it will take, on standard error if that is a terminal.
final class ProgressLine {
  private let total: Int
  private let isShown = isatty(STDERR_FILENO) == 1
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var shown: ContinuousClock.Instant?

  /// - Parameter total: steps in all.
  init(total: Int) {
    self.total = total
    start = clock.now
  }

  /// - Parameters:
  ///   - done: steps done.
  ///   - since: steps that were done before this run; they say nothing about its speed.
  ///   - text: shown before the time.
  func update(_ done: Int, since: Int = 0, _ text: @autoclosure () -> String) {
    guard isShown else { return }
    let now = clock.now
    // Ten times a second is all that an eye can use.
    if let shown, shown.duration(to: now) < .milliseconds(100), done < total { return }
    shown = now
    let spent = Double(seconds: start.duration(to: now))
    let left = done > since ? " · \(durationText(spent / Double(done - since) * Double(total - done))) left" : ""
    Output.progress("\(text())\(left)")
  }

  /// Leaves an empty line.
  func clear() {
    if shown != nil { Output.progress("") }
  }
}

/// `45 s`, `3 min 20 s`, `2 h 5 min`.
package func durationText(_ seconds: Double) -> String {
  let whole = Int(min(max(seconds, 0), 1e9).rounded())
  if whole < 60 { return "\(whole) s" }
  if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
  return "\(whole / 3600) h \(whole % 3600 / 60) min"
}
