import CDeRaScheduling
import DeRaKernels
import DeRaPlatform
import FoundationEssentials

/// A program and what it starts, which all end when this process does, however it ends: a second Ctrl-C or `kill -9` leaves
/// nothing running. A terminal's Ctrl-C is for this process, which passes it on as it sees fit.
package struct ProcessGroup: Sendable {
  private let id: pid_t

  /// Starts the program with this process's environment, on all processors that this process was given.
  /// - Parameters:
  ///   - input: becomes its standard input, likewise `output`.
  ///   - errors: nil for this process's own.
  /// - Throws: `SystemCode` when it cannot start.
  package init(
    _ executable: String, _ arguments: [String], input: Int32, output: Int32, errors: Int32? = nil
  ) throws(SystemCode) {
    // Not `environ`: strict concurrency does not let C's variable through.
    let environment = ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    let words = ([executable] + arguments).map { strdup($0) } + [nil]
    defer { for text in environment + words { free(text) } }
    let mask = Processors.current.allowedMask
    var id: pid_t = 0
    let code = cs_spawn(&id, executable, words, environment, [input, output, errors ?? -1], mask, mask.count)
    guard code == 0 else { throw SystemCode(number: code) }
    self.id = id
  }

  /// Sends a signal to all of the group.
  package func signal(_ number: Int32) { kill(-id, number) }

  /// Waits for the program's end, and ends what it has left behind.
  /// - Returns: the status as waitpid gives it.
  @discardableResult
  package func wait() -> Int32 {
    var status: Int32 = 0
    while waitpid(id, &status, 0) < 0 && errno == EINTR {}
    signal(SIGKILL)
    return status
  }

  /// The same for at most so long; false when the program is still running then.
  package func hasEnded(within milliseconds: UInt32) -> Bool {
    for step in 0...milliseconds / 10 {
      if step > 0 { usleep(10_000) }
      if waitpid(id, nil, WNOHANG) != 0 {
        signal(SIGKILL)
        return true
      }
    }
    return false
  }
}

/// A number of the system's errors (errno).
package struct SystemCode: Error, Equatable, CustomStringConvertible {
  package let number: Int32
  package var description: String { String(cString: strerror(number)) }
}
