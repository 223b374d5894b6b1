/// A number of bytes as people write it: `120MB`, `1.5 GiB`, `1000`.
package struct ByteSize: Sendable, Equatable {
  private static let units: [String: Double] = [
    "": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KIB": 0x1p10, "MIB": 0x1p20, "GIB": 0x1p30,
    "TIB": 0x1p40,
  ]
  /// The syntax, as messages say it.
  package static let rule = "a size such as 120MB, 1.5GB, 900MiB or 120000000"
  /// Smaller numbers without a unit are megabytes whose unit was forgotten.
  private static let leastWithoutUnit = 10_000.0

  /// Bytes, at least 1.
  package let bytes: Int

  /// nil for other texts, for less than one byte, for 10¹⁸ bytes or more, and for fractions and less than 10,000 without a
  /// unit.
  package init?(_ text: String) {
    let upper = text.uppercased()
    let digits = upper.prefix { $0.isNumber || $0 == "." }
    let suffix = upper.dropFirst(digits.count).drop { $0 == " " }
    guard let unit = Self.units[String(suffix)], let number = Double(digits) else { return nil }
    if suffix.isEmpty && (number != number.rounded() || number < Self.leastWithoutUnit) { return nil }
    let bytes = (number * unit).rounded(.down)
    guard bytes >= 1 && bytes < 1e18 else { return nil }
    self.bytes = Int(bytes)
  }

  /// `1.2 MB`: a size as messages show it, rounded up, so that it is enough where it is given back.
  package static func text(_ bytes: Int) -> String {
    guard bytes >= 1000 else { return "\(bytes) B" }
    var tenths = Double(bytes) / 100
    var units = ["kB", "MB", "GB", "TB"][...]
    while tenths.rounded(.up) >= 10_000, units.count > 1 {
      tenths /= 1000
      units.removeFirst()
    }
    return "\(tenths.rounded(.up) / 10) \(units.first ?? "")"
  }
}
