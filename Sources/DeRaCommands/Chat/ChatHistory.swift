import DeRaConsole
import DeRaPlatform

/// The lines typed into earlier chats, in a file that only its owner can read.
package struct ChatHistory {
  package static let limit = 1000
  /// Far beyond `limit` lines; guards against reading something else.
  private static let byteLimit = 1 << 24

  package let path: String

  package init(path: String) { self.path = path }

  /// `$XDG_STATE_HOME/dera/history`, or `~/.local/state/dera/history`; nil when neither is known.
  package static var usual: ChatHistory? {
    func variable(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    let base = variable("XDG_STATE_HOME") ?? variable("HOME").map { "\($0)/.local/state" }
    return base.map { ChatHistory(path: "\($0)/dera/history") }
  }

  /// Oldest first; empty when there is no file. A file that has grown far is cut to the newest lines.
  package func load() -> [String] {
    guard let file = try? MappedFile(path: path), file.bytes.count <= Self.byteLimit else { return [] }
    let lines = withExtendedLifetime(file) {
      String(decoding: file.bytes, as: UTF8.self).split(separator: "\n").map { Self.unescaped(String($0)) }
    }
    let newest = Array(lines.suffix(Self.limit))
    if lines.count > 2 * Self.limit { rewrite(newest) }
    return newest
  }

  /// Adds a line. A history that cannot be written is no reason to stop a chat.
  package func append(_ line: String) {
    var folder = ""
    for part in path.split(separator: "/").dropLast() {
      folder += "/\(part)"
      mkdir(folder, 0o700)
    }
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    fchmod(descriptor, 0o600)
    // One call, so that chats side by side do not mix their lines.
    let bytes = Array((Self.escaped(line) + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
  }

  private func rewrite(_ lines: [String]) {
    try? writeFile(lines.map { Self.escaped($0) + "\n" }.joined(), path)
    chmod(path, 0o600)
  }

  private static func escaped(_ line: String) -> String {
    line.replacing("\\", with: "\\\\").replacing("\n", with: "\\n").replacing("\r", with: "")
  }

  private static func unescaped(_ line: String) -> String {
    var text = ""
    var isEscaped = false
    for character in line {
      if isEscaped {
        text.append(character == "n" ? "\n" : character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else {
        text.append(character)
      }
    }
    return text
  }
}
