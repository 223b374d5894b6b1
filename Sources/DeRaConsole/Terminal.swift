import DeRaPlatform

/// Where a standard stream is shown.
package enum Terminal {
  /// Whether a line can be drawn over and over: a terminal that understands cursor movements.
  package static func canRedraw(_ descriptor: Int32) -> Bool {
    isatty(descriptor) == 1 && !["dumb", "", nil].contains(variable("TERM"))
  }

  /// Colours are for terminals, unless NO_COLOR (no-color.org) is set.
  package static func usesColor(_ descriptor: Int32) -> Bool {
    canRedraw(descriptor) && (variable("NO_COLOR") ?? "").isEmpty
  }

  /// Columns of the terminal; else what COLUMNS says, else 80.
  package static func columns(_ descriptor: Int32) -> Int {
    var size = winsize()
    if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
    return variable("COLUMNS").flatMap(Int.init).flatMap { (20...1000).contains($0) ? $0 : nil } ?? 80
  }

  private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

/// Colours of standard output.
package enum Style: String {
  case dim = "2"
  case bold = "1"
  case accent = "36"

  static let isEnabled = Terminal.usesColor(STDOUT_FILENO)

  package func callAsFunction(_ text: String) -> String {
    Self.isEnabled ? "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" : text
  }
}
