// Filters on strings and single values.
extension Filters {
  static let texts: [String: Filters] = [
    "upper": mapped { $0.uppercased() },
    "lower": mapped { $0.lowercased() },
    "capitalize": mapped { $0.capitalized() },
    "title": mapped { $0.capitalizingWords() },
    "safe": mapped { $0 },
    "string": mapped { $0 },
    "escape": escaping,
    "e": escaping,
    "forceescape": escaping,
    "trim": Filters(["chars?"]) { (value, arguments, run) throws(TemplateError) in
      let text = try run.meter.string(value)
      try run.meter.allocate(text.count)
      return .string(text.stripped(try arguments.text("chars")))
    },
    "replace": Filters(["old", "new", "count?"]) { (value, arguments, run) throws(TemplateError) in
      let meter = run.meter
      let old = try meter.string(try arguments.value("old"))
      let new = try meter.string(try arguments.value("new"))
      let limit = try arguments.integer("count").flatMap { $0 < 0 ? nil : $0 }
      return .string(try meter.string(value).replacing(old, with: new, limit: limit, meter))
    },
    "indent": Filters(["width?", "first?", "blank?"], indent),
    "center": Filters(["width?"]) { (value, arguments, run) throws(TemplateError) in
      let text = try run.meter.string(value)
      let missing = max(text.count, try arguments.integer("width") ?? 80) - text.count
      try run.meter.allocate(missing + text.count)
      let left = missing / 2 + (missing & (text.count + missing) & 1)
      return .string(Text(repeatElement(" ", count: left)) + text + Text(repeatElement(" ", count: missing - left)))
    },
    "wordcount": Filters { (value, _, run) throws(TemplateError) in
      let text = try run.meter.string(value)
      try run.meter.touch(text.count)
      let isWord = text.map { $0 == "_" || $0.properties.isAlphabetic || $0.properties.numericType != nil }
      return .int(zip(isWord, [false] + isWord).count { $0 && !$1 })
    },
    "format": Filters(["*"]) { (value, arguments, run) throws(TemplateError) in
      var values = Mapping()
      for (name, value) in arguments.restKeywords { try values.set(.text(name), value, run.meter) }
      let given = arguments.rest.isEmpty ? Value.mapping(values) : try .tuple(arguments.rest, run.meter)
      return .string(try run.meter.formatted(try run.meter.string(value), given))
    },
    "default": substituting,
    "d": substituting,
    "int": Filters(["default?", "base?"]) { (value, arguments, run) throws(TemplateError) in
      let base = try arguments.integer("base") ?? 10
      guard (2...36).contains(base) else { throw run.meter.error(.value, "the base must be from 2 to 36") }
      return try run.meter.wholeNumber(value, base: base) ?? arguments["default"] ?? .int(0)
    },
    "float": Filters(["default?"]) { (value, arguments, run) throws(TemplateError) in
      try run.meter.number(value).map { .double($0.double) } ?? arguments["default"] ?? .double(0)
    },
    "abs": Filters { (value, _, run) throws(TemplateError) in
      let isNegative = value.number.map { $0.double.sign == .minus } ?? false
      return try isNegative ? run.meter.negate(value) : run.meter.positive(value)
    },
    "round": Filters(["precision?", "method?"], round),
    "attr": Filters(["name"]) { (value, arguments, run) throws(TemplateError) in
      if case .mapping = value { return .undefined("a dictionary's entries are not attributes") }
      return try run.attribute(try arguments.text("name")?.string ?? "", of: value)
    },
    "tojson": Filters(["indent?", "separators?", "ensure_ascii?", "sort_keys?"], json),
  ]

  private static func mapped(_ map: @escaping @Sendable (Text) -> Text) -> Filters {
    Filters { (value, _, run) throws(TemplateError) in
      let text = try run.meter.string(value)
      try run.meter.allocate(text.count)
      return .string(map(text))
    }
  }

  private static let entities: [TextScalar: Text] = [
    "&": Text("&amp;"), "<": Text("&lt;"), ">": Text("&gt;"), "'": Text("&#39;"), "\"": Text("&#34;"),
  ]

  private static let escaping = Filters { (value, _, run) throws(TemplateError) in
    let text = try run.meter.string(value)
    try run.meter.allocate(text.count)
    var escaped = Text()
    for scalar in text {
      guard let entity = entities[scalar] else {
        escaped.append(scalar)
        continue
      }
      try run.meter.allocate(entity.count)
      escaped += entity
    }
    return .string(escaped)
  }

  private static let substituting = Filters(["default_value?", "boolean?"]) {
    (value, arguments, _) throws(TemplateError) in
    let isMissing = value.isUndefined || (arguments.flag("boolean") && !value.isTrue)
    return isMissing ? arguments["default_value"] ?? .string([]) : value
  }

  @Sendable private static func indent(
    _ value: Value, _ arguments: BoundArguments, _ run: Interpreter
  ) throws(TemplateError) -> Value {
    var indentation = Text(repeatElement(" ", count: 4))
    if case .string(let text)? = arguments["width"] {
      indentation = text
    } else if let width = try arguments.integer("width") {
      try run.meter.allocate(max(0, width))
      indentation = Text(repeatElement(" ", count: max(0, width)))
    }
    let text = try run.meter.string(value)
    // A last line end stays, and is followed by an empty line.
    let lines = try (text + ["\n"]).lines(run.meter)
    try run.meter.allocate(lines.count, times: indentation.count)
    try run.meter.allocate(text.count)
    var result = Text()
    for (index, line) in lines.enumerated() {
      if index > 0 { result.append("\n") }
      let isIndented = index == 0 ? arguments.flag("first") : !line.isEmpty || arguments.flag("blank")
      result += (isIndented ? indentation : []) + line
    }
    return .string(result)
  }

  @Sendable private static func round(
    _ value: Value, _ arguments: BoundArguments, _ run: Interpreter
  ) throws(TemplateError) -> Value {
    let meter = run.meter
    try meter.require(value)
    guard let number = value.number else { throw meter.error(.value, "'round' needs a number") }
    let precision = try arguments.integer("precision") ?? 0
    guard (0...300).contains(precision) else { throw meter.error(.unsupported, "'round' takes 0 to 300 digits") }
    let method = try arguments.text("method")?.string ?? "common"
    let power = CMath.power(10, Double(precision))
    switch (method, number) {
    case ("common", .int): return value
    case ("common", .double(let number)) where !number.isFinite: return value
    case ("common", .double(let number)):
      return .double(Double(CMath.digits(number, "f", precision: precision)) ?? number)
    case ("ceil", let number): return .double((number.double * power).rounded(.up) / power)
    case ("floor", let number): return .double((number.double * power).rounded(.down) / power)
    default: throw meter.error(.value, "'round' knows the methods common, ceil and floor")
    }
  }

  @Sendable private static func json(
    _ value: Value, _ arguments: BoundArguments, _ run: Interpreter
  ) throws(TemplateError) -> Value {
    var writer = JSONText(meter: run.meter)
    writer.escapesNonASCII = arguments.flag("ensure_ascii")
    writer.sortsKeys = arguments.flag("sort_keys")
    if case .string(let text)? = arguments["indent"] {
      writer.indentation = text
    } else if let width = try arguments.integer("indent") {
      try run.meter.allocate(max(0, width))
      writer.indentation = Text(repeatElement(" ", count: max(0, width)))
    }
    if writer.indentation != nil { writer.itemSeparator = Text(",") }
    if let separators = arguments.given("separators") {
      let texts = try run.meter.elements(of: separators)
      guard texts.count == 2, case .string(let item) = texts[0], case .string(let key) = texts[1] else {
        throw run.meter.error(.value, "'separators' must be two strings")
      }
      (writer.itemSeparator, writer.keySeparator) = (item, key)
    }
    try writer.write(value)
    return .string(writer.text)
  }
}

extension Meter {
  /// A number, or the number a string shows; `nil` for anything else.
  func number(_ value: Value) throws(TemplateError) -> Number? {
    try require(value)
    guard case .string(let text) = value else { return value.number }
    try touch(text.count)
    let digits = text.stripped(nil).filter { $0 != "_" }
    if let whole = Int(digits.string) { return .int(whole) }
    // Swift also reads hexadecimal numbers, Python does not.
    return digits.contains("x") || digits.contains("X") ? nil : Double(digits.string).map(Number.double)
  }

  func wholeNumber(_ value: Value, base: Int) throws(TemplateError) -> Value? {
    if base != 10, case .string(let text) = value {
      let digits = text.stripped(nil).string.lowercased()
      let prefix = [2: "0b", 8: "0o", 16: "0x"][base] ?? "_"
      if let whole = Int(digits.hasPrefix(prefix) ? String(digits.dropFirst(2)) : digits, radix: base) {
        return .int(whole)
      }
    }
    switch try number(value) {
    case .int(let whole)?: return .int(whole)
    case .double(let number)?: return Int(exactly: number.rounded(.towardZero)).map(Value.int)
    case nil: return nil
    }
  }
}
