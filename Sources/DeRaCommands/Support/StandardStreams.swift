import DeRaEvaluation
import DeRaPlatform

/// A failure of standard input or output.
package struct StreamError: Error, CustomStringConvertible {
  package let description: String
  /// Standard output is gone: nothing can be shown any more.
  package var isOutput = false

  package init(description: String, isOutput: Bool = false) {
    self.description = description
    self.isOutput = isOutput
  }
}

/// Standard output and error without buffers, so that text shows as it is made and errors are seen.
enum Output {
  /// Writes to standard output.
  static func write(_ text: String) throws { try write(text.utf8, to: STDOUT_FILENO) }

  static func write(bytes: [UInt8]) throws { try write(bytes, to: STDOUT_FILENO) }

  /// Writes to standard error; there is nobody left to tell when that fails.
  static func note(_ text: String) { try? write((text + "\n").utf8, to: STDERR_FILENO) }

  /// Replaces the last line of standard error, a terminal.
  static func progress(_ text: String) { try? write("\r\u{1B}[K\(text)".utf8, to: STDERR_FILENO) }

  private static func write(_ bytes: some Collection<UInt8>, to descriptor: Int32) throws {
    let bytes = Array(bytes)
    try bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let count = systemWrite(descriptor, buffer.baseAddress! + done, buffer.count - done)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else {
          throw StreamError(
            description: "cannot write to standard output: \(String(cString: strerror(errno)))", isOutput: true)
        }
        done += count
      }
    }
  }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}

/// Standard input.
enum Input {
  /// Far beyond any context; guards against an endless pipe.
  static let byteLimit = 1 << 28

  static var isTerminal: Bool { isatty(STDIN_FILENO) == 1 }

  /// Everything up to the end, byte for byte.
  static func readAll() throws -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(STDIN_FILENO, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else {
        throw StreamError(description: "cannot read standard input: \(String(cString: strerror(errno)))")
      }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= byteLimit else {
        throw StreamError(description: "standard input is longer than \(byteText(byteLimit)); split it")
      }
    }
  }

  /// Everything up to the end, as text.
  static func readText() throws -> String {
    guard let text = String(validating: try readAll(), as: UTF8.self) else {
      throw StreamError(description: "standard input is not valid UTF-8; convert it first (iconv -t UTF-8)")
    }
    return text
  }
}
