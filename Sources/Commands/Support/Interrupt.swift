import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Ctrl-C while an answer is being made.
enum Interrupt {
  private static let count = Atomic<Int>(0)

  /// Runs `body`; a first Ctrl-C only makes `isRequested` true, a second one ends the program as usual.
  static func during<Result>(_ body: () throws -> Result) rethrows -> Result {
    count.store(0, ordering: .relaxed)
    let previous = signal(SIGINT) { _ in
      guard Interrupt.count.add(1, ordering: .relaxed).newValue > 1 else { return }
      signal(SIGINT, SIG_DFL)
      raise(SIGINT)
    }
    defer { signal(SIGINT, previous) }
    return try body()
  }

  static var isRequested: Bool { count.load(ordering: .relaxed) > 0 }

  /// A closed pipe ends the program quietly, as it does other Unix tools, even if the parent ignores the signal.
  static func endQuietlyOnClosedPipe() { signal(SIGPIPE, SIG_DFL) }
}
