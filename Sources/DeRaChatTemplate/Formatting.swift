// `'%s' % value` and `'{}'.format(value)`.

/// How one value is laid out: the common part of both notations.
struct FormatSpecification {
  var fill: TextScalar = " "
  /// `<`, `>`, `^`, or `=` for padding between sign and digits; `nil` is the type's own.
  var alignment: TextScalar?
  var sign: TextScalar?
  var width = 0
  var precision: Int?
  /// `,` or `_` between groups of digits.
  var grouping: TextScalar?
  /// `s r d i u x X o c e E f F g G`, and in braces `b` and `%`.
  var type: TextScalar?

  /// Digits at `position`, at most four of them.
  static func number(in format: Text, at position: inout Int, _ meter: Meter) throws(TemplateError) -> Int? {
    let digits = format[position...].prefix { $0.isDigit }
    guard digits.count <= 4 else { throw meter.error(.value, "a width in a format has more than four digits") }
    position += digits.count
    return Int(Text(digits).string)
  }

  func apply(to value: Value, _ meter: Meter) throws(TemplateError) -> Text {
    let isNumeric = type.map { $0.isOne(of: "diuxXobceEfFgG%") } ?? (value.number != nil)
    guard isNumeric, type != "c" else {
      if let grouping { throw meter.error(.value, "'\(grouping)' in a format needs a number") }
      var text = try type == "r" ? meter.representation(value) : meter.string(value)
      if type == "c", let code = value.integer.flatMap(UInt32.init(exactly:)).flatMap({ TextScalar($0) }) {
        text = [code]
      }
      if let precision { text = Text(text.prefix(precision)) }
      return try pad(text, sign: [], default: "<", meter)
    }
    guard let number = value.number else {
      throw meter.error(.value, "a number is required for this format, not '\(value.typeName)'")
    }
    var digits = Text(try magnitude(of: number, meter))
    var sign = Text(self.sign.map { $0 == "-" ? [] : [$0] } ?? [])
    if digits.first == "-" {
      digits.removeFirst()
      sign = ["-"]
    }
    if let grouping { digits = grouped(digits, by: grouping, room: width - sign.count) }
    return try pad(digits, sign: sign, default: ">", meter)
  }

  /// The digits before the point in groups: three, or four where the base is a power of two. Zeros that fill up to `room`
  /// are grouped with them.
  private func grouped(_ digits: Text, by separator: TextScalar, room: Int) -> Text {
    let size = type.map { $0.isOne(of: "xXob") } ?? false ? 4 : 3
    let end = digits.firstIndex { !$0.isASCII || $0 == "." || $0 == "e" && type != "x" || $0 == "%" } ?? digits.count
    let rest = digits[end...]
    var whole = Text(digits[..<end])
    if alignment == "=", fill == "0" {
      while whole.count + (whole.count - 1) / size + rest.count < room { whole.insert("0", at: 0) }
    }
    var result = Text()
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % size == 0 { result.append(separator) }
      result.append(digit)
    }
    return result + rest
  }

  private func magnitude(of number: Number, _ meter: Meter) throws(TemplateError) -> String {
    switch (type, number) {
    case ("x", .int(let value)): return String(value, radix: 16)
    case ("X", .int(let value)): return String(value, radix: 16, uppercase: true)
    case ("o", .int(let value)): return String(value, radix: 8)
    case ("b", .int(let value)): return String(value, radix: 2)
    case ("%", _): return CMath.digits(number.double * 100, "f", precision: min(precision ?? 6, 500)) + "%"
    case ("x", _), ("X", _), ("o", _), ("b", _): throw meter.error(.value, "a whole number is required for this format")
    case ("d", _), ("i", _), ("u", _):
      if case .int(let value) = number { return String(value) }
      guard let value = Int(exactly: number.double.rounded(.towardZero)) else {
        throw meter.error(.value, "a number does not fit in 64 bits")
      }
      return String(value)
    case (let type?, _):
      return CMath.digits(number.double, Character(type.scalar), precision: min(precision ?? 6, 500))
    case (nil, .int(let value)): return String(value)
    case (nil, .double(let value)):
      guard let precision else { return value.pythonDescription }
      return CMath.digits(value, "g", precision: min(precision, 500))
    }
  }

  private func pad(
    _ text: Text, sign: Text, default fallback: TextScalar, _ meter: Meter
  ) throws(TemplateError) -> Text {
    let length = text.count + sign.count
    let missing = max(length, width) - length
    try meter.allocate(length + missing)
    func fills(_ count: Int) -> Text { Text(repeatElement(fill, count: count)) }
    switch alignment ?? fallback {
    case "<": return sign + text + fills(missing)
    case "^": return fills(missing / 2) + sign + text + fills(missing - missing / 2)
    case "=": return sign + fills(missing) + text
    default: return fills(missing) + sign + text
    }
  }
}

extension Meter {
  /// `format % values`.
  func formatted(_ format: Text, _ values: Value) throws(TemplateError) -> Text {
    var result = Text()
    // What is left for the next `%s`, the last first, and whether there may be some left in the end.
    var left = [values]
    var mayLeave = false
    switch values {
    case .tuple(let items): left = items.values.reversed()
    case .list, .mapping: mayLeave = true
    default: break
    }
    var position = 0
    while position < format.count {
      let scalar = format[position]
      position += 1
      guard scalar == "%" else {
        result.append(scalar)
        continue
      }
      if format.hasPrefix(["%"], at: position) {
        result.append("%")
        position += 1
        continue
      }
      var named: Value?
      if format.hasPrefix(["("], at: position), case .mapping(let mapping) = values {
        let end = try find([")"], in: format, from: position)
        let name = Text(format[position + 1..<end])
        named = try mapping.get(.string(name), self)
        if named == nil { throw error(.value, "the format names '\(name.string)', which is not there") }
        position = end + 1
      }
      let specification = try percentSpecification(format, &position)
      guard let value = named ?? left.popLast() else { throw error(.value, "not enough arguments for format string") }
      result += try specification.apply(to: value, self)
    }
    guard left.isEmpty || mayLeave else { throw error(.value, "not all arguments converted during string formatting") }
    try allocate(format.count)
    return result
  }

  private func find(_ scalar: Text, in format: Text, from start: Int) throws(TemplateError) -> Int {
    guard let end = try format.find(scalar, from: start, self) else { throw error(.value, "incomplete format key") }
    return end
  }

  private func percentSpecification(
    _ format: Text, _ position: inout Int
  ) throws(TemplateError) -> FormatSpecification {
    var result = FormatSpecification()
    while position < format.count, format[position].isOne(of: "-+ 0#") {
      switch format[position] {
      case "-": (result.alignment, result.fill) = ("<", " ")
      case "0" where result.alignment == nil: (result.alignment, result.fill) = ("=", "0")
      case "+", " ": result.sign = format[position]
      default: break
      }
      position += 1
    }
    result.width = try FormatSpecification.number(in: format, at: &position, self) ?? 0
    if format.hasPrefix(["."], at: position) {
      position += 1
      result.precision = try FormatSpecification.number(in: format, at: &position, self) ?? 0
    }
    guard position < format.count, format[position].isOne(of: "srdiuxXoceEfFgG") else {
      throw error(.value, "incomplete or unsupported format after '%'")
    }
    result.type = format[position]
    result.alignment = result.alignment ?? ">"
    position += 1
    return result
  }

  // MARK: str.format

  /// `format.format(…)` with automatic, numbered and named fields.
  func formatted(_ format: Text, with arguments: Arguments) throws(TemplateError) -> Text {
    var result = Text()
    var position = 0
    var automatic = 0
    while position < format.count {
      let scalar = format[position]
      position += 1
      guard scalar == "{" || scalar == "}" else {
        result.append(scalar)
        continue
      }
      if format.hasPrefix([scalar], at: position) {
        result.append(scalar)
        position += 1
        continue
      }
      guard scalar == "{" else { throw error(.value, "single '}' in a format") }
      let end = try find(["}"], in: format, from: position)
      result += try field(Text(format[position..<end]), arguments, &automatic)
      position = end + 1
    }
    try allocate(format.count)
    return result
  }

  private func field(
    _ field: Text, _ arguments: Arguments, _ automatic: inout Int
  ) throws(TemplateError) -> Text {
    let parts = field.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    var name = Text(parts[0]).string
    let isRepresentation = name.hasSuffix("!r")
    if isRepresentation || name.hasSuffix("!s") { name.removeLast(2) }
    if name.isEmpty {
      name = String(automatic)
      automatic += 1
    }
    let named = arguments.keywords.first { $0.name == name }?.value
    let index = Int(name).flatMap { arguments.positional.indices.contains($0) ? $0 : nil }
    guard let value = index.map({ arguments.positional[$0] }) ?? named else {
      throw error(.value, "a format asks for the argument '\(name)', which is not there")
    }
    let shown = isRepresentation ? Value.string(try representation(value)) : value
    return try braceSpecification(parts.count > 1 ? Text(parts[1]) : []).apply(to: shown, self)
  }

  private func braceSpecification(_ text: Text) throws(TemplateError) -> FormatSpecification {
    var result = FormatSpecification()
    var position = 0
    let alignments: Text = ["<", ">", "^", "="]
    if text.count > 1, alignments.contains(text[1]) {
      (result.fill, result.alignment) = (text[0], text[1])
      position = 2
    } else if let first = text.first, alignments.contains(first) {
      result.alignment = first
      position = 1
    }
    if position < text.count, ["+", "-", " "].contains(text[position]) {
      result.sign = text[position]
      position += 1
    }
    if text.hasPrefix(["0"], at: position), result.alignment == nil { (result.alignment, result.fill) = ("=", "0") }
    result.width = try FormatSpecification.number(in: text, at: &position, self) ?? 0
    if position < text.count, text[position].isOne(of: ",_") {
      result.grouping = text[position]
      position += 1
    }
    if text.hasPrefix(["."], at: position) {
      position += 1
      result.precision = try FormatSpecification.number(in: text, at: &position, self) ?? 0
    }
    if position < text.count, text[position].isOne(of: "sdxXobceEfFgG%") {
      result.type = text[position]
      position += 1
    }
    guard position == text.count else { throw error(.unsupported, "the format '\(text.string)' is not supported") }
    return result
  }
}
