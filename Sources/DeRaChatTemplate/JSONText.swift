/// Writes values as `json.dumps` does, which is what `transformers` makes of the `tojson` filter.
struct JSONText {
  var escapesNonASCII = false
  /// The indentation of one level; `nil` writes everything on one line.
  var indentation: Text?
  var itemSeparator = Text(", ")
  var keySeparator = Text(": ")
  var sortsKeys = false
  let meter: Meter
  private(set) var text = Text()

  init(meter: Meter) {
    self.meter = meter
  }

  mutating func write(_ value: Value, level: Int = 0) throws(TemplateError) {
    switch value {
    case .none: try append("null")
    case .bool(let value): try append(value ? "true" : "false")
    case .int(let value): try append(String(value))
    case .double(let value): try append(Self.number(value))
    case .string(let value): try append(string: value)
    case .list(let items), .tuple(let items):
      try write("[", items.values.count, "]", level: level) { (writer, index) throws(TemplateError) in
        try writer.write(items.values[index], level: level + 1)
      }
    case .mapping(let mapping):
      let entries = sortsKeys ? try sorted(mapping) : mapping.entries
      try write("{", entries.count, "}", level: level) { (writer, index) throws(TemplateError) in
        try writer.append(string: try writer.key(entries[index].key))
        try writer.append(writer.keySeparator)
        try writer.write(entries[index].value, level: level + 1)
      }
    default: throw meter.error(.value, "'\(value.typeName)' cannot be written as JSON")
    }
  }

  private mutating func write(
    _ open: TextScalar, _ count: Int, _ close: TextScalar, level: Int,
    element: (inout JSONText, Int) throws(TemplateError) -> Void
  ) throws(TemplateError) {
    try append([open])
    for index in 0..<count {
      if index > 0 { try append(itemSeparator) }
      try startLine(level + 1)
      try element(&self, index)
    }
    if count > 0 { try startLine(level) }
    try append([close])
  }

  private mutating func startLine(_ level: Int) throws(TemplateError) {
    guard let indentation else { return }
    try meter.allocate(level, times: indentation.count)
    try append(["\n"] + Text(repeatElement(indentation, count: level).joined()))
  }

  private func sorted(_ mapping: Mapping) throws(TemplateError) -> [Mapping.Entry] {
    try meter.sorted(mapping.entries) { (left, right) throws(TemplateError) in try meter.less(left.key, right.key) }
  }

  private func key(_ key: Value) throws(TemplateError) -> Text {
    switch key {
    case .string(let text): return text
    case .none: return Text("null")
    case .bool(let value): return Text(value ? "true" : "false")
    case .int(let value): return Text(String(value))
    case .double(let value): return Text(Self.number(value))
    default: throw meter.error(.value, "'\(key.typeName)' cannot be a key in JSON")
    }
  }

  private static func number(_ value: Double) -> String {
    if value.isFinite { return value.pythonDescription }
    return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
  }

  private static let escapes: [TextScalar: TextScalar] = [
    "\"": "\"", "\\": "\\", "\n": "n", "\r": "r", "\t": "t", "\u{8}": "b", "\u{c}": "f",
  ]

  private mutating func append(string: Text) throws(TemplateError) {
    let start = text.count
    text.append("\"")
    for scalar in string {
      if let letter = Self.escapes[scalar] {
        text += ["\\", letter]
      } else if scalar.value < 0x20 || (escapesNonASCII && scalar.value > 0x7e) {
        try meter.allocate(12)
        for unit in UTF16.encode(scalar.scalar).map(Array.init) ?? [] {
          text += Text("\\u" + UInt32(unit).hexadecimal(width: 4))
        }
      } else {
        text.append(scalar)
      }
    }
    text.append("\"")
    try meter.allocate(text.count - start)
  }

  private mutating func append(_ string: String) throws(TemplateError) {
    try append(Text(string))
  }

  private mutating func append(_ piece: Text) throws(TemplateError) {
    try meter.allocate(piece.count)
    text += piece
  }
}
