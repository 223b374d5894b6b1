import DeRaConversion
import DeRaPlatform
import Synchronization

/// One line on the terminal that is drawn over and over: phase, tensor, bar, MB/s and the time that remains.
final class ProgressBar: Sendable {
  private struct State {
    var phase: ConversionProgress.Phase?
    var phaseStart = ContinuousClock.now
    var lastDrawn: ContinuousClock.Instant?
  }

  private static let interval = Duration.milliseconds(100)
  private static let barCells = 24

  private let state = Mutex(State())
  private let usesColor: Bool

  private init(usesColor: Bool) { self.usesColor = usesColor }

  /// nil when standard error is no terminal that can redraw a line.
  static func onTerminal() -> ProgressBar? {
    guard Terminal.canRedraw(STDERR_FILENO) else { return nil }
    return ProgressBar(usesColor: Terminal.usesColor(STDERR_FILENO))
  }

  func show(_ progress: ConversionProgress) {
    let text = state.withLock { state -> String? in
      let now = ContinuousClock.now
      if state.phase != progress.phase {
        state.phase = progress.phase
        state.phaseStart = now
        state.lastDrawn = nil
      }
      if let last = state.lastDrawn, now - last < Self.interval { return nil }
      state.lastDrawn = now
      return line(progress, seconds: (now - state.phaseStart) / .seconds(1))
    }
    if let text { StandardError.write("\r\(text)\u{1B}[K") }
  }

  func clear() { StandardError.write("\r\u{1B}[K") }

  private func line(_ progress: ConversionProgress, seconds: Double) -> String {
    let fraction = progress.total > 0 ? Double(progress.done) / Double(progress.total) : 0
    let rate = seconds > 0 ? Double(progress.done) / seconds : 0
    var tail = " \(NumberText.decimal(fraction * 100, 0)) %"
    tail += progress.phase == .measuring ? "" : "  \(NumberText.decimal(rate / 1e6, 0)) MB/s"
    if rate > 0 { tail += "  \(NumberText.duration(Double(progress.total - progress.done) / rate)) left" }
    let filled = Int(fraction * Double(Self.barCells))
    let done = String(repeating: "━", count: filled)
    let rest = String(repeating: "─", count: Self.barCells - filled)
    let bar = usesColor ? "\u{1B}[36m\(done)\u{1B}[2m\(rest)\u{1B}[0m" : done + rest
    // What is left of the line is for the name; a line that wraps could not be redrawn.
    let room = Terminal.columns(STDERR_FILENO) - Self.barCells - tail.count - progress.phase.rawValue.count - 4
    return "\(progress.phase.rawValue) \(progress.item.suffix(max(0, room))) \(bar)\(tail)"
  }
}
