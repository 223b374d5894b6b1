internal import CDeRaFaults

/// The end of a program when a mapped file can no longer be read: it was truncated, or its disk fails.
package enum UnreadableFiles {
  /// EX_IOERR of sysexits.h.
  package static let exitCode: Int32 = 74

  /// Makes the program end with a line that names the file, from now on. Only for programs: a library leaves signals alone.
  package static func endProgram(named name: String) { cf_end_on_unreadable_file(name, exitCode) }

  /// Terminal settings, a `termios`, to restore before that; nil for none. The memory must stay.
  package static func restoreTerminal(to settings: UnsafeRawPointer?) { cf_restore_terminal(settings) }
}
