import DeRaPlatform
import DeRaText
import Synchronization

/// A failure of standard input or output, or of text that came from a file.
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
package enum Output {
  /// Writes to standard output.
  package static func write(_ text: String) throws { try write(text.utf8, to: STDOUT_FILENO) }

  package static func write(bytes: [UInt8]) throws { try write(bytes, to: STDOUT_FILENO) }

  /// Writes a line to standard error; there is nobody left to tell when that fails.
  package static func note(_ text: String) { try? write((text + "\n").utf8, to: STDERR_FILENO) }

  /// A line that names a failure; every program of ours begins it the same way.
  package static func error(_ text: String) { note("Error: \(printable(text))") }

  /// A line about work that goes on although something is not as it should be.
  package static func warning(_ text: String) { note("Warning: \(printable(text))") }

  /// Replaces the last line of standard error, a terminal.
  package static func progress(_ text: String) { try? write("\r\u{1B}[K\(text)".utf8, to: STDERR_FILENO) }

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

/// Text with control characters spelled out (`\u{1b}`), but for new lines and tabs: text from a file must not command
/// the terminal.
package func printable(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: isCommand) else { return text }
  var result = ""
  for scalar in text.unicodeScalars {
    if isCommand(scalar) {
      result += "\\u{\(String(scalar.value, radix: 16))}"
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
  return result
}

private func isCommand(_ scalar: Unicode.Scalar) -> Bool {
  scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}

/// Standard input.
package enum Input {
  /// Far beyond any context; guards against an endless pipe.
  static let byteLimit = 1 << 28
  /// The word that stands for standard input where a file or a text is taken.
  package static let name = "-"

  package static var isTerminal: Bool { isatty(STDIN_FILENO) == 1 }

  private static let isTaken = Mutex(false)

  /// Everything up to the end, byte for byte.
  /// - Throws: `StreamError`, also when it was read before: two arguments of a command cannot both be `-`.
  package static func readAll() throws -> [UInt8] {
    let isFirst = isTaken.withLock { taken in
      defer { taken = true }
      return !taken
    }
    guard isFirst else {
      throw StreamError(description: "standard input was read for another argument; only one can be -")
    }
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

  /// Everything up to the end as a prompt: without the one newline that `echo` and editors put at the end.
  package static func readPrompt() throws -> String { withoutFinalNewline(try readText()) }

  /// `text` without one `\n` or `\r\n` at its end.
  package static func withoutFinalNewline(_ text: String) -> String {
    guard let last = text.last, last == "\n" || last == "\r\n" else { return text }
    return String(text.dropLast())
  }

  /// Everything up to the end, as text.
  package static func readText() throws -> String {
    try utf8Text(try readAll(), path: sourceName(name))
  }
}

/// The bytes of a file, or of standard input for `-`; what they hold need not be text.
package func withText<Result>(_ path: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
  if path == Input.name { return try Input.readAll().withUnsafeBytes(body) }
  let file = try MappedFile(text: path)
  return try withExtendedLifetime(file) { try body(file.bytes) }
}

/// The text in a file or on standard input.
/// - Throws: `FileError` when it cannot be read or is no UTF-8, `StreamError` for standard input.
package func readText(_ path: String) throws -> String {
  try withText(path) { try utf8Text($0, path: sourceName(path)) }
}

/// Where a text came from, for messages.
package func sourceName(_ path: String) -> String { path == Input.name ? "standard input" : path }

/// Runs `body`; an error that it throws names the place in a file.
/// - Throws: `StreamError` with the place and the error's text; the loss of standard output as it is.
package func located<Result>(_ place: String, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as StreamError where error.isOutput {
    throw error
  } catch {
    throw StreamError(description: "\(place): \(errorText(error))")
  }
}
