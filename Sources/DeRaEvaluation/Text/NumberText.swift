/// `12.35`: a number with a fixed count of decimals, halves away from zero; plain text for what is not finite.
package func fixed(_ value: Double, _ decimals: Int) -> String {
  let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
  let scaled = (value.magnitude * scale).rounded()
  guard scaled < 0x1p63 else { return "\(value)" }
  let digits = String(UInt64(scaled))
  let sign = value < 0 && scaled > 0 ? "-" : ""
  guard decimals > 0 else { return sign + digits }
  let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
  return "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
}

/// `4.2 MB`: bytes in decimal units.
package func byteText(_ bytes: Int) -> String {
  let units = ["B", "kB", "MB", "GB", "TB"]
  var value = Double(bytes)
  var unit = 0
  while value.magnitude >= 999.5 && unit < units.count - 1 {
    value /= 1000
    unit += 1
  }
  return "\(fixed(value, unit == 0 || value.magnitude >= 99.95 ? 0 : 1)) \(units[unit])"
}

/// `134.5 M`: a count of parameters.
package func countText(_ count: Int) -> String {
  let units: [(name: String, size: Double)] = [("B", 1e9), ("M", 1e6), ("k", 1e3)]
  guard let unit = units.first(where: { Double(count) >= $0.size }) else { return "\(count)" }
  return "\(fixed(Double(count) / unit.size, 2)) \(unit.name)"
}

extension Double {
  /// Seconds in a duration.
  package init(seconds duration: Duration) { self = duration / .seconds(1) }
}
