// `pprint`: a value as Python's `pprint.pformat` lays it out within 80 columns.
extension Filters {
  static let prettyPrinting: [String: Filters] = [
    "pprint": Filters { (value, _, run) throws(TemplateError) in
      var printer = PrettyPrinter(meter: run.meter)
      try printer.write(value, indent: 0, allowance: 0, level: 0)
      return .string(printer.text)
    }
  ]
}

/// Source: CPython, `Lib/pprint.py`, with its default settings.
private struct PrettyPrinter {
  private static let width = 80

  let meter: Meter
  private(set) var text = Text()

  init(meter: Meter) { self.meter = meter }

  mutating func write(_ value: Value, indent: Int, allowance: Int, level: Int) throws(TemplateError) {
    let line = try meter.representation(try sorted(value))
    guard line.count > Self.width - indent - allowance else { return try append(line) }
    switch value {
    case .mapping(let mapping): try write(mapping, indent: indent, allowance: allowance + 1, level: level + 1)
    case .list(let items):
      try append(["["])
      try write(items.values, indent: indent, allowance: allowance + 1, level: level + 1)
      try append(["]"])
    case .tuple(let items):
      let end = Text(items.values.count == 1 ? ",)" : ")")
      try append(["("])
      try write(items.values, indent: indent, allowance: allowance + end.count, level: level + 1)
      try append(end)
    case .string(let string): try write(string, indent: indent, allowance: allowance, level: level + 1)
    default: try append(line)
    }
  }

  private mutating func write(
    _ values: [Value], indent: Int, allowance: Int, level: Int
  ) throws(TemplateError) {
    for (index, value) in values.enumerated() {
      if index > 0 { try startLine(indent + 1, comma: true) }
      try write(value, indent: indent + 1, allowance: index == values.count - 1 ? allowance : 1, level: level)
    }
  }

  private mutating func write(
    _ mapping: Mapping, indent: Int, allowance: Int, level: Int
  ) throws(TemplateError) {
    try append(["{"])
    let entries = try sortedEntries(mapping)
    for (index, entry) in entries.enumerated() {
      if index > 0 { try startLine(indent + 1, comma: true) }
      let key = try meter.representation(entry.key)
      try append(key + Text(": "))
      try write(
        entry.value, indent: indent + 1 + key.count + 2, allowance: index == entries.count - 1 ? allowance : 1,
        level: level)
    }
    try append(["}"])
  }

  /// A long string as several, cut after white space.
  private mutating func write(_ string: Text, indent: Int, allowance: Int, level: Int) throws(TemplateError) {
    let isAlone = level == 1
    let indent = indent + (isAlone ? 1 : 0)
    let allowance = allowance + (isAlone ? 1 : 0)
    let room = Self.width - indent
    var chunks: [Text] = []
    let lines = try string.lines(keepingEnds: true, meter)
    for (index, line) in lines.enumerated() {
      let isLast = index == lines.count - 1
      let whole = try meter.representation(.string(line))
      if whole.count <= room - (isLast ? allowance : 0) {
        chunks.append(whole)
        continue
      }
      var current = Text()
      let words = line.words
      for (position, word) in words.enumerated() {
        let limit = room - (isLast && position == words.count - 1 ? allowance : 0)
        if try meter.representation(.string(current + word)).count > limit {
          if !current.isEmpty { chunks.append(try meter.representation(.string(current))) }
          current = word
        } else {
          current += word
        }
      }
      if !current.isEmpty { chunks.append(try meter.representation(.string(current))) }
    }
    if chunks.count == 1 { return try append(chunks[0]) }
    if isAlone { try append(["("]) }
    for (index, chunk) in chunks.enumerated() {
      if index > 0 { try startLine(indent, comma: false) }
      try append(chunk)
    }
    if isAlone { try append([")"]) }
  }

  private mutating func startLine(_ indent: Int, comma: Bool) throws(TemplateError) {
    try meter.allocate(indent)
    try append((comma ? [",", "\n"] : ["\n"]) + Text(repeatElement(" ", count: indent)))
  }

  private mutating func append(_ piece: Text) throws(TemplateError) {
    try meter.allocate(piece.count)
    text += piece
  }

  /// Dictionaries in the order of their keys, at every depth.
  private func sorted(_ value: Value) throws(TemplateError) -> Value {
    switch value {
    case .list(let items):
      var values: [Value] = []
      for item in items.values { values.append(try sorted(item)) }
      return try .list(values, meter)
    case .tuple(let items):
      var values: [Value] = []
      for item in items.values { values.append(try sorted(item)) }
      return try .tuple(values, meter)
    case .mapping(let mapping):
      var result = Mapping()
      for entry in try sortedEntries(mapping) { try result.set(entry.key, try sorted(entry.value), meter) }
      return .mapping(result)
    default: return value
    }
  }

  private func sortedEntries(_ mapping: Mapping) throws(TemplateError) -> [Mapping.Entry] {
    try meter.sorted(mapping.entries) { (left, right) throws(TemplateError) in
      let comparable = left.key.typeName == right.key.typeName || (left.key.number != nil && right.key.number != nil)
      return comparable ? try meter.less(left.key, right.key) : left.key.typeName < right.key.typeName
    }
  }
}

extension Text {
  /// Words with the white space after each.
  fileprivate var words: [Text] {
    var words: [Text] = []
    var start = 0
    var position = 0
    while position < count {
      while position < count, !self[position].isPythonSpace { position += 1 }
      while position < count, self[position].isPythonSpace { position += 1 }
      words.append(Text(self[start..<position]))
      start = position
    }
    return words
  }
}
