import DeRaPlatform

/// The report, which programs may read.
enum StandardOutput {
  /// - Throws: `FileError` when it cannot be written, a full disk for instance.
  static func print(_ line: String) throws(FileError) {
    try writeAll(line + "\n", to: STDOUT_FILENO, named: "standard output")
  }
}

/// Text for people that must not end up in a pipe.
enum StandardError {
  static func print(_ line: String) { write(line + "\n") }
  /// There is nowhere to report that this fails.
  static func write(_ text: String) { try? writeAll(text, to: STDERR_FILENO, named: "standard error") }
}

/// Not by `stdout` and `stderr`: they are variables in C, which strict concurrency does not let through.
private func writeAll(_ text: String, to descriptor: Int32, named name: String) throws(FileError) {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { throw .failed(attempt: "write to", path: name, code: errno) }
    rest = rest.dropFirst(count)
  }
}
