/// A table of text for a terminal: a header line, then rows, columns two spaces apart.
struct TextTable {
  enum Alignment { case left, right }

  private let alignments: [Alignment]
  private var rows: [[String]]

  init(_ header: [(title: String, alignment: Alignment)]) {
    alignments = header.map(\.alignment)
    rows = [header.map(\.title)]
  }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// Lines without trailing spaces.
  var lines: [String] {
    let widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        line += (column > 0 ? "  " : "") + (alignments[column] == .left ? cell + padding : padding + cell)
      }
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }
  }
}

/// Numbers for people, the same in every locale.
package enum NumberText {
  /// `value` rounded to `digits` decimals.
  package static func decimal(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
    let scale = (0..<digits).reduce(1) { power, _ in power * 10 }
    let scaled = Int((value.magnitude * Double(scale)).rounded())
    let sign = value < 0 && scaled != 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(scaled)" }
    let fraction = String(scaled % scale)
    return "\(sign)\(scaled / scale).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
  }

  /// `value` with three significant digits: 0.00451, 12.3.
  package static func significant(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
    var digits = 2
    var scaled = value.magnitude
    while scaled < 1, digits < 12 {
      scaled *= 10
      digits += 1
    }
    while scaled >= 10, digits > 0 {
      scaled /= 10
      digits -= 1
    }
    return decimal(value, digits)
  }

  /// `value` as 1.23e-6.
  package static func scientific(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
    var (scaled, exponent) = (value.magnitude, 0)
    while scaled >= 9.995 { (scaled, exponent) = (scaled / 10, exponent + 1) }
    while scaled < 0.9995 { (scaled, exponent) = (scaled * 10, exponent - 1) }
    return "\(value < 0 ? "-" : "")\(decimal(scaled, 2))e\(exponent)"
  }

  /// `2`, `0.5`: no more digits than the number needs.
  package static func shortest(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? "\(Int(value))" : "\(value)"
  }

  /// Millions of bytes.
  package static func megabytes(_ bytes: Int) -> String { decimal(Double(bytes) / 1e6, bytes < 100_000_000 ? 2 : 1) }

  /// `1:05` or `2:00:07`.
  package static func duration(_ seconds: Double) -> String {
    let total = Int(max(0, min(seconds.isFinite ? seconds : 0, 1e9)).rounded(.up))
    func two(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
    let clock = "\(two(total / 60 % 60)):\(two(total % 60))"
    return total >= 3600 ? "\(total / 3600):\(clock)" : "\(total / 60):\(two(total % 60))"
  }
}
