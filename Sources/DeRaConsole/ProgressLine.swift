import DeRaPlatform
import DeRaText
import Synchronization

/// One line of standard error that is drawn over and over: how far a long computation is and how long it will take.
/// Nothing is shown where that is no terminal.
package final class ProgressLine: Sendable {
  private struct State {
    var total: Int
    var start = ContinuousClock.now
    var drawn: ContinuousClock.Instant?
  }

  private static let barCells = 24
  /// Ten times a second is all that an eye can use.
  private static let interval = Duration.milliseconds(100)
  /// A speed is known after a while only: the first steps are small or served from a cache.
  package static let leastSeconds = 1.0

  private let state: Mutex<State>
  private let isShown: Bool
  private let hasBar: Bool

  /// - Parameters:
  ///   - total: steps in all.
  ///   - hasBar: draws a bar beside the text.
  ///   - isShown: false shows nothing, even on a terminal.
  package init(total: Int, hasBar: Bool = false, isShown: Bool = true) {
    state = Mutex(State(total: total))
    self.isShown = isShown && Terminal.canRedraw(STDERR_FILENO)
    self.hasBar = hasBar
  }

  /// Counts from 0 again, towards another total.
  package func restart(total: Int) { state.withLock { $0 = State(total: total) } }

  /// - Parameters:
  ///   - done: steps done.
  ///   - since: steps that were done before this run; they say nothing about its speed.
  ///   - text: shown before the time; given the seconds since the start.
  package func update(_ done: Int, since: Int = 0, _ text: (_ seconds: Double) -> String) {
    guard isShown else { return }
    let shown = state.withLock { state -> String? in
      let now = ContinuousClock.now
      if let drawn = state.drawn, drawn.duration(to: now) < Self.interval, done < state.total { return nil }
      state.drawn = now
      let spent = Double(seconds: state.start.duration(to: now))
      let left = Self.timeLeft(done: done - since, of: state.total - since, after: spent)
      return line(text(spent), part: Double(done) / Double(max(state.total, 1)), left)
    }
    if let shown { Output.progress(shown) }
  }

  package func update(_ done: Int, since: Int = 0, _ text: @autoclosure () -> String) {
    update(done, since: since) { _ in text() }
  }

  /// ` · 45 s left`; empty where the speed is not known yet and in the last second.
  package static func timeLeft(done: Int, of total: Int, after seconds: Double) -> String {
    guard seconds >= leastSeconds, done > 0 else { return "" }
    let left = Double(total - done) / (Double(done) / seconds)
    return left < 1 ? "" : " · \(durationText(left)) left"
  }

  /// A text in at most `room` columns, its end replaced by `…` where it is longer.
  package static func shortened(_ text: String, to room: Int) -> String {
    guard displayWidth(text) > room else { return text }
    var width = 0
    let kept = text.prefix {
      width += displayWidth($0)
      return width < room
    }
    return room < 1 ? "" : kept + "…"
  }

  /// Leaves an empty line.
  package func clear() {
    if state.withLock({ $0.drawn }) != nil { Output.progress("") }
  }

  /// The parts in one line of the terminal; a line that wraps could not be drawn over.
  private func line(_ text: String, part: Double, _ left: String) -> String {
    let room = Terminal.columns(STDERR_FILENO) - displayWidth(left) - 1
    guard hasBar else { return "\(Self.shortened(text, to: room))\(left)" }
    let filled = Int(min(max(part, 0), 1) * Double(Self.barCells))
    let done = String(repeating: "━", count: filled)
    let rest = String(repeating: "─", count: Self.barCells - filled)
    let bar = Terminal.usesColor(STDERR_FILENO) ? "\u{1B}[36m\(done)\u{1B}[2m\(rest)\u{1B}[0m" : done + rest
    let tail = " \(fixed(part * 100, 0)) %\(left)"
    return "\(Self.shortened(text, to: room - Self.barCells - 7)) \(bar)\(tail)"
  }
}
