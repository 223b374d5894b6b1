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

/// `0.00451`, `12.3`: three significant digits, without an exponent.
package func significant(_ value: Double) -> String {
  guard value != 0, value.isFinite else { return fixed(value, 0) }
  var decimals = 2
  var magnitude = value.magnitude
  while magnitude < 1 && decimals < 12 {
    magnitude *= 10
    decimals += 1
  }
  while magnitude >= 10 && decimals > 0 {
    magnitude /= 10
    decimals -= 1
  }
  return fixed(value, decimals)
}

/// `1.23e-6`: three significant digits with an exponent.
package func scientific(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
  var (scaled, exponent) = (value.magnitude, 0)
  while scaled >= 9.995 { (scaled, exponent) = (scaled / 10, exponent + 1) }
  while scaled < 0.9995 { (scaled, exponent) = (scaled * 10, exponent - 1) }
  return "\(value < 0 ? "-" : "")\(fixed(scaled, 2))e\(exponent)"
}

/// `2`, `0.5`: no more digits than the number needs.
package func shortest(_ value: Double) -> String {
  value == value.rounded() && value.magnitude < 1e15 ? "\(Int(value))" : "\(value)"
}

/// `45 s`, `3 min 20 s`, `2 h 5 min`.
package func durationText(_ seconds: Double) -> String {
  let whole = Int(min(max(seconds.isFinite ? seconds : 0, 0), 1e9).rounded())
  if whole < 60 { return "\(whole) s" }
  if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
  return "\(whole / 3600) h \(whole % 3600 / 60) min"
}

/// `38.12`, `181.2`: millions of bytes, without the unit.
package func megabytes(_ bytes: Int) -> String { fixed(Double(bytes) / 1e6, bytes < 100_000_000 ? 2 : 1) }

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

/// `1 sequence`, `2 sequences`.
package func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
