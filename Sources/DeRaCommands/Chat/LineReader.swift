import DeRaConsole
import DeRaPlatform
import DeRaText

/// Reads lines from the user: with an editor on a terminal, plainly otherwise.
final class LineReader {
  private var editing: LineEditing
  private var decoder = KeyDecoder()
  private let history: ChatHistory?
  private var plain = PlainLines(descriptor: STDIN_FILENO)

  /// - Parameter history: where lines are kept from one chat to the next; nil forgets them.
  init(history: ChatHistory?) {
    self.history = history
    editing = LineEditing(history: history?.load() ?? [])
  }

  /// Whether there is somebody to ask.
  static var isInteractive: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 }

  /// - Parameter isKept: whether the line becomes part of the history.
  func readLine(prompt: String, isKept: Bool = true) throws -> ReadLine {
    guard Self.isInteractive, Terminal.canRedraw(STDOUT_FILENO), let raw = RawMode() else {
      if isatty(STDOUT_FILENO) == 1 { try Output.write(prompt) }
      return try plain.next().map(ReadLine.line) ?? .end
    }
    defer { raw.restore() }
    editing.startLine(isKept: isKept)
    try refresh(prompt)
    var columns = Terminal.columns(STDOUT_FILENO)
    while true {
      if Terminal.columns(STDOUT_FILENO) != columns {
        columns = Terminal.columns(STDOUT_FILENO)
        try Output.write("\r\u{1B}[J")
        try refresh(prompt)
      }
      guard let byte = Self.readByte() else { continue }
      guard byte >= 0 else { return .end }
      guard let key = decoder.feed(UInt8(byte)) else { continue }
      let last = editing.history.last
      switch editing.press(key) {
      case .edited: try refresh(prompt)
      case .clearScreen:
        try Output.write("\u{1B}[H\u{1B}[2J")
        try refresh(prompt)
      case .finished(let result):
        try refresh(prompt)
        try Output.write("\r\n")
        if isKept, let line = editing.history.last, line != last { history?.append(line) }
        return result
      }
    }
  }

  /// A key's byte, or a negative number at the end; nil when none came for a while, so that a new width is seen.
  private static func readByte() -> Int? {
    var ready = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard poll(&ready, 1, 250) > 0 else { return nil }
    var byte: UInt8 = 0
    let count = read(STDIN_FILENO, &byte, 1)
    if count < 0 && errno == EINTR { return nil }
    return count > 0 ? Int(byte) : -1
  }

  private func refresh(_ prompt: String) throws {
    let prompt = editing.searchPrompt ?? prompt
    let promptWidth = displayWidth(prompt)
    let (text, cursor) = editing.buffer.visible(width: max(2, Terminal.columns(STDOUT_FILENO) - promptWidth))
    try Output.write("\r\(prompt)\(text)\u{1B}[K\r\u{1B}[\(promptWidth + cursor)C")
  }
}

/// The terminal hands over every key at once, echoes nothing and marks what is pasted, until `restore`.
///
/// A signal that ends the program restores it too; otherwise the user's shell would be left with a mute terminal.
private struct RawMode {
  /// The settings to go back to; written before the signals can arrive, read by their handler.
  nonisolated(unsafe) private static let original = UnsafeMutablePointer<termios>.allocate(capacity: 1)
  private static let signals = [SIGTERM, SIGHUP]
  private static let pasteMarks: StaticString = "\u{1B}[?2004h"
  private static let noPasteMarks: StaticString = "\u{1B}[?2004l"

  init?() {
    var settings = termios()
    guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
    Self.original.initialize(to: settings)
    UnreadableFiles.restoreTerminal(to: Self.original)
    settings.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG | IEXTEN)
    settings.c_iflag &= ~tcflag_t(IXON | ICRNL)
    for number in Self.signals {
      signal(number) { number in
        RawMode.reset()
        signal(number, SIG_DFL)
        raise(number)
      }
    }
    guard tcsetattr(STDIN_FILENO, TCSADRAIN, &settings) == 0 else { return nil }
    Self.send(Self.pasteMarks)
  }

  func restore() {
    Self.reset()
    for number in Self.signals { signal(number, SIG_DFL) }
  }

  /// Only what a signal handler may call.
  private static func reset() {
    tcsetattr(STDIN_FILENO, TCSANOW, original)
    send(noPasteMarks)
  }

  private static func send(_ text: StaticString) { _ = write(STDOUT_FILENO, text.utf8Start, text.utf8CodeUnitCount) }
}

/// The lines of a pipe, as they come.
struct PlainLines {
  /// Bytes of the longest line that is taken.
  private static let byteLimit = 1 << 26

  let descriptor: Int32
  private var pending: [UInt8] = []
  private var isAtEnd = false

  init(descriptor: Int32) { self.descriptor = descriptor }

  /// The next line without its end; nil when there is none.
  /// - Throws: `StreamError` when nothing can be read, `FileError` for a line that is no UTF-8.
  mutating func next() throws -> String? {
    var searched = 0
    while true {
      if let end = pending[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(pending[..<end])
        pending.removeFirst(end + 1)
        return try Self.text(line)
      }
      searched = pending.count
      guard !isAtEnd else { break }
      try fill()
    }
    guard !pending.isEmpty else { return nil }
    let line = pending
    pending = []
    return try Self.text(line)
  }

  private static func text(_ line: [UInt8]) throws -> String {
    try utf8Text(line.last == UInt8(ascii: "\r") ? line.dropLast() : line, path: sourceName(Input.name))
  }

  private mutating func fill() throws {
    var chunk = [UInt8](repeating: 0, count: 1 << 12)
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0 && errno == EINTR { return }
    guard count >= 0 else {
      isAtEnd = true
      throw StreamError(description: "cannot read standard input: \(String(cString: strerror(errno)))")
    }
    isAtEnd = count == 0
    pending += chunk[..<count]
    guard pending.count <= Self.byteLimit else {
      throw StreamError(description: "a line of standard input is too long")
    }
  }
}
