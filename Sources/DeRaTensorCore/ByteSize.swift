/// A number of bytes as people write it: `120MB`, `1.5 GiB`, `1000`.
package struct ByteSize: Sendable, Equatable {
  private static let units: [String: Double] = [
    "": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KIB": 0x1p10, "MIB": 0x1p20, "GIB": 0x1p30,
    "TIB": 0x1p40,
  ]
  /// The syntax, as messages say it.
  package static let rule = "a size such as 120MB, 1.5GB, 900MiB or 120000000"

  /// Bytes, at least 1.
  package let bytes: Int

  /// nil for other texts, for less than one byte and for 10¹⁸ bytes or more.
  package init?(_ text: String) {
    let upper = text.uppercased()
    let digits = upper.prefix { $0.isNumber || $0 == "." }
    let suffix = upper.dropFirst(digits.count).drop { $0 == " " }
    guard let unit = Self.units[String(suffix)], let number = Double(digits) else { return nil }
    let bytes = (number * unit).rounded(.down)
    guard bytes >= 1 && bytes < 1e18 else { return nil }
    self.bytes = Int(bytes)
  }
}
