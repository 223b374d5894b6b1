// Values as text: Python's `str` and `repr`.
extension Meter {
  func string(_ value: Value) throws(TemplateError) -> Text {
    switch value {
    case .undefined: return []
    case .string(let text): return text
    default: return try representation(value)
    }
  }

  func representation(_ value: Value) throws(TemplateError) -> Text {
    var text = Text()
    try write(value, to: &text)
    return text
  }

  private func write(_ value: Value, to text: inout Text) throws(TemplateError) {
    let start = text.count
    switch value {
    case .undefined: text += Text("Undefined")
    case .none: text += Text("None")
    case .bool(let value): text += Text(value ? "True" : "False")
    case .int(let value): text += Text(String(value))
    case .double(let value): text += Text(value.pythonDescription)
    case .string(let value): try write(value, to: &text)
    case .list(let items): return try write(items.values, "[", "]", to: &text)
    case .tuple(let items): return try write(items.values, "(", items.values.count == 1 ? ",)" : ")", to: &text)
    case .mapping(let mapping): return try write(mapping, to: &text)
    case .namespace, .macro, .loop, .helper, .function, .method: text += Text("<\(value.typeName)>")
    }
    try allocate(text.count - start)
  }

  private func write(
    _ values: [Value], _ open: String, _ close: String, to text: inout Text
  ) throws(TemplateError) {
    text += Text(open)
    for (index, value) in values.enumerated() {
      if index > 0 { text += Text(", ") }
      try write(value, to: &text)
    }
    text += Text(close)
    try allocate(2 * values.count + 2)
  }

  /// A string in quotes, with escapes for what cannot be shown.
  private func write(_ string: Text, to text: inout Text) throws(TemplateError) {
    try touch(string.count)
    let quote: TextScalar = string.contains("'") && !string.contains("\"") ? "\"" : "'"
    text.append(quote)
    for scalar in string {
      switch scalar {
      case "\\", quote: text += ["\\", scalar]
      case "\n": text += ["\\", "n"]
      case "\r": text += ["\\", "r"]
      case "\t": text += ["\\", "t"]
      case _ where scalar.isPrintable: text.append(scalar)
      default:
        let (letter, width) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
        try allocate(width)
        text += Text("\\" + letter + scalar.value.hexadecimal(width: width))
      }
    }
    text.append(quote)
  }

  private func write(_ mapping: Mapping, to text: inout Text) throws(TemplateError) {
    text += Text("{")
    for (index, entry) in mapping.entries.enumerated() {
      if index > 0 { text += Text(", ") }
      try write(entry.key, to: &text)
      text += Text(": ")
      try write(entry.value, to: &text)
    }
    text += Text("}")
    try allocate(4 * mapping.entries.count + 2)
  }
}

extension Double {
  /// The shortest decimal that reads back as the same number, laid out as Python does.
  var pythonDescription: String {
    guard isFinite else { return isNaN ? "nan" : self < 0 ? "-inf" : "inf" }
    // Swift finds the same digits; only where it changes to an exponent differs.
    let parts = magnitude.description.split(separator: "e")
    let mantissa = parts[0].split(separator: ".")
    let whole = mantissa[0]
    var digits = String(whole) + (mantissa.count > 1 ? mantissa[1] : "")
    var point = whole.count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
    while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }
    while digits.hasPrefix("0"), digits.count > 1 {
      digits.removeFirst()
      point -= 1
    }
    if digits == "0" { point = 1 }
    let sign = self.sign == .minus ? "-" : ""
    if point > 16 || point < -3 {
      let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
      let exponent = Swift.abs(point - 1)
      return sign + digits.prefix(1) + fraction + (point > 0 ? "e+" : "e-") + (exponent < 10 ? "0" : "") + "\(exponent)"
    }
    if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
    let padded = digits + String(repeating: "0", count: Swift.max(0, point + 1 - digits.count))
    return sign + padded.prefix(point) + "." + padded.dropFirst(point)
  }
}

extension UInt32 {
  func hexadecimal(width: Int) -> String {
    let digits = String(self, radix: 16)
    return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
  }
}
