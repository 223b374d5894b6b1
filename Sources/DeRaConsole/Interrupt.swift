import DeRaPlatform
import Synchronization

/// Ctrl-C, or another polite request to end.
package enum Interrupt {
  private static let count = Atomic<Int>(0)
  /// The signal that came first; 0 for none.
  private static let first = Atomic<Int32>(0)
  /// All that ask a program to end, for work that has something to clean up.
  package static let endings = [SIGINT, SIGTERM, SIGHUP]

  /// Runs `body`; a first Ctrl-C only makes `isRequested` true, a second one ends the program as usual.
  /// - Parameter signals: the signals that count as Ctrl-C; those ignored stay so.
  package static func during<Result>(signals: [Int32] = [SIGINT], _ body: () throws -> Result) rethrows -> Result {
    let previous = watch(signals)
    defer { for (number, handler) in zip(signals, previous) { signal(number, handler) } }
    return try body()
  }

  /// The same from now on, for a program that does one thing only.
  /// - Returns: the handlers before.
  @discardableResult
  package static func watch(_ signals: [Int32]) -> [sighandler_t?] {
    count.store(0, ordering: .relaxed)
    first.store(0, ordering: .relaxed)
    return signals.map { number in
      let previous = signal(number) { number in
        guard Interrupt.count.add(1, ordering: .relaxed).newValue > 1 else {
          return Interrupt.first.store(number, ordering: .relaxed)
        }
        signal(number, SIG_DFL)
        raise(number)
      }
      // nohup and shells that start jobs in the background have said that the signal does not concern us.
      if unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { signal(number, SIG_IGN) }
      return previous
    }
  }

  /// The signal that asked to end; Ctrl-C's where none came.
  package static var number: Int32 {
    let number = first.load(ordering: .relaxed)
    return number == 0 ? SIGINT : number
  }

  package static var isRequested: Bool { count.load(ordering: .relaxed) > 0 }

  /// - Throws: `Interrupted` once a signal has come.
  package static func check() throws(Interrupted) {
    if isRequested { throw Interrupted() }
  }

  /// A closed pipe ends the program quietly, as it does other Unix tools, even if the parent ignores the signal.
  static func endQuietlyOnClosedPipe() { signal(SIGPIPE, SIG_DFL) }
}

/// Ctrl-C ended the work.
package struct Interrupted: Error {
  package init() {}
}
