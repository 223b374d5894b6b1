import DeRaPlatform

/// The terminal behind a standard stream.
enum Terminal {
  /// Whether a line can be drawn over and over.
  static func canRedraw(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 && variable("TERM") != "dumb" }

  static func usesColor(_ descriptor: Int32) -> Bool {
    canRedraw(descriptor) && (variable("NO_COLOR") ?? "").isEmpty
  }

  /// Columns of the terminal; else what COLUMNS says, else 80.
  static func columns(_ descriptor: Int32) -> Int {
    var size = winsize()
    if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
    return variable("COLUMNS").flatMap(Int.init).flatMap { (20...1000).contains($0) ? $0 : nil } ?? 80
  }

  private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
