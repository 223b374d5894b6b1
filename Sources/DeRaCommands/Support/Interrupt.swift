import DeRaPlatform
import Synchronization

/// Ctrl-C while an answer is being made.
enum Interrupt {
  private static let count = Atomic<Int>(0)
  /// All that ask a program to end, for work that has something to clean up.
  static let endings = [SIGINT, SIGTERM, SIGHUP]

  /// Runs `body`; a first Ctrl-C only makes `isRequested` true, a second one ends the program as usual.
  /// - Parameter signals: the signals that count as Ctrl-C; those ignored stay so.
  static func during<Result>(signals: [Int32] = [SIGINT], _ body: () throws -> Result) rethrows -> Result {
    count.store(0, ordering: .relaxed)
    let previous = signals.map { number in
      let previous = signal(number) { number in
        guard Interrupt.count.add(1, ordering: .relaxed).newValue > 1 else { return }
        signal(number, SIG_DFL)
        raise(number)
      }
      if unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { signal(number, SIG_IGN) }
      return previous
    }
    defer { for (number, handler) in zip(signals, previous) { signal(number, handler) } }
    return try body()
  }

  static var isRequested: Bool { count.load(ordering: .relaxed) > 0 }

  /// A closed pipe ends the program quietly, as it does other Unix tools, even if the parent ignores the signal.
  static func endQuietlyOnClosedPipe() { signal(SIGPIPE, SIG_DFL) }
}
