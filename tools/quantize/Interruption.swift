import DeRaPlatform
import Synchronization

/// Ctrl-C, or a polite request to end: the conversion stops at the next band and removes what it has written.
struct Interruption: Error, CustomStringConvertible {
  /// The code that a shell reports for a program ended by SIGINT.
  static let exitCode: Int32 = 130
  private static let isRequested = Atomic(false)

  let description = "interrupted; no bundle was written"

  static func install() {
    _ = isRequested.load(ordering: .relaxed)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      let previous = signal(number) { _ in Interruption.isRequested.store(true, ordering: .relaxed) }
      // nohup and shells that start jobs in the background have said that the signal does not concern us.
      if unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { signal(number, SIG_IGN) }
    }
  }

  /// - Throws: `Interruption` once a signal has come.
  static func check() throws(Interruption) {
    if isRequested.load(ordering: .relaxed) { throw Interruption() }
  }
}
