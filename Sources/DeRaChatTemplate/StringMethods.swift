// The methods of strings.
extension Methods {
  private typealias TextMethod = Method<Text>

  static let strings: [String: Method<Text>] = [
    "upper": mapped { $0.uppercased() },
    "lower": mapped { $0.lowercased() },
    "casefold": mapped { $0.lowercased() },
    "title": mapped { $0.titlecased() },
    "capitalize": mapped { $0.capitalized() },
    "swapcase": mapped { $0.swappingCase() },
    "strip": stripping(),
    "lstrip": stripping(trailing: false),
    "rstrip": stripping(leading: false),
    "split": TextMethod(["sep?", "maxsplit?"]) { (text, arguments, meter) throws(TemplateError) in
      try list(try split(text, arguments, meter), meter)
    },
    "rsplit": TextMethod(["sep?", "maxsplit?"]) { (text, arguments, meter) throws(TemplateError) in
      let pieces = try split(Text(text.reversed()), arguments, meter, reversesSeparator: true)
      return try list(pieces.reversed().map { Text($0.reversed()) }, meter)
    },
    "splitlines": TextMethod(["keepends?"]) { (text, arguments, meter) throws(TemplateError) in
      try list(try text.lines(keepingEnds: arguments.flag("keepends"), meter), meter)
    },
    "partition": TextMethod(["sep"]) { (text, arguments, meter) throws(TemplateError) in
      try partition(text, arguments, meter, fromEnd: false)
    },
    "rpartition": TextMethod(["sep"]) { (text, arguments, meter) throws(TemplateError) in
      try partition(text, arguments, meter, fromEnd: true)
    },
    "startswith": affix { text, affix in text.starts(with: affix) },
    "endswith": affix { text, affix in text.reversed().starts(with: affix.reversed()) },
    "removeprefix": TextMethod(["prefix"]) { (text, arguments, meter) throws(TemplateError) in
      let prefix = try arguments.text("prefix") ?? []
      return .string(text.starts(with: prefix) ? Text(text.dropFirst(prefix.count)) : text)
    },
    "removesuffix": TextMethod(["suffix"]) { (text, arguments, meter) throws(TemplateError) in
      let suffix = try arguments.text("suffix") ?? []
      let isThere = text.reversed().starts(with: suffix.reversed())
      return .string(isThere ? Text(text.dropLast(suffix.count)) : text)
    },
    "replace": TextMethod(["old", "new", "count?"]) { (text, arguments, meter) throws(TemplateError) in
      let limit = try arguments.integer("count").flatMap { $0 < 0 ? nil : $0 }
      let new = try arguments.text("new") ?? []
      return .string(try text.replacing(try arguments.text("old") ?? [], with: new, limit: limit, meter))
    },
    "join": TextMethod(["iterable"]) { (text, arguments, meter) throws(TemplateError) in
      let elements = try meter.elements(of: try arguments.value("iterable"))
      for element in elements {
        guard case .string = element else {
          throw meter.error(.value, "'str.join' takes strings, not '\(element.typeName)'")
        }
      }
      return .string(try meter.joined(elements, separator: text))
    },
    "find": search { (text, part, meter) throws(TemplateError) in .int(try text.find(part, meter) ?? -1) },
    "rfind": search { (text, part, meter) throws(TemplateError) in .int(try text.findLast(part, meter) ?? -1) },
    "index": search { (text, part, meter) throws(TemplateError) in
      guard let position = try text.find(part, meter) else { throw meter.error(.value, "substring not found") }
      return .int(position)
    },
    "count": search { (text, part, meter) throws(TemplateError) in
      .int(part.isEmpty ? text.count + 1 : try text.split(at: part, limit: .max, meter).count - 1)
    },
    "isdigit": check {
      !$0.isEmpty && $0.allSatisfy { $0.properties.numericType == .decimal || $0.isSuperscriptDigit }
    },
    "isalpha": check { !$0.isEmpty && $0.allSatisfy(\.isLetter) },
    "isalnum": check { !$0.isEmpty && $0.allSatisfy { $0.isLetter || $0.properties.numericType != nil } },
    "isspace": check { !$0.isEmpty && $0.allSatisfy(\.isPythonSpace) },
    "isupper": check { $0.isAll(\.isUppercase) },
    "islower": check { $0.isAll(\.isLowercase) },
    "ljust": padding("<"),
    "rjust": padding(">"),
    "zfill": TextMethod(["width"]) { (text, arguments, meter) throws(TemplateError) in
      let missing = max(text.count, try arguments.integer("width") ?? 0) - text.count
      try meter.allocate(missing)
      let sign = text.first == "-" || text.first == "+" ? 1 : 0
      return .string(text.prefix(sign) + Text(repeatElement("0", count: missing)) + text.dropFirst(sign))
    },
  ]

  private static func list(_ pieces: [Text], _ meter: Meter) throws(TemplateError) -> Value {
    try .list(pieces.map(Value.string), meter)
  }

  private static func mapped(_ map: @escaping @Sendable (Text) -> Text) -> TextMethod {
    TextMethod { (text, _, meter) throws(TemplateError) in
      try meter.allocate(text.count)
      return .string(map(text))
    }
  }

  private static func check(_ check: @escaping @Sendable (Text) -> Bool) -> TextMethod {
    TextMethod { (text, _, _) throws(TemplateError) in
      .bool(check(text))
    }
  }

  private static func search(
    _ search: @escaping @Sendable (Text, Text, Meter) throws(TemplateError) -> Value
  ) -> TextMethod {
    TextMethod(["sub"]) { (text, arguments, meter) throws(TemplateError) in
      try search(text, try arguments.text("sub") ?? [], meter)
    }
  }

  private static func stripping(leading: Bool = true, trailing: Bool = true) -> TextMethod {
    TextMethod(["chars?"]) { (text, arguments, meter) throws(TemplateError) in
      let characters = try arguments.text("chars")
      try meter.allocate(text.count)
      return .string(text.stripped(characters, leading: leading, trailing: trailing))
    }
  }

  /// The argument is a string or a tuple of strings.
  private static func affix(_ matches: @escaping @Sendable (Text, Text) -> Bool) -> TextMethod {
    TextMethod(["affix"]) { (text, arguments, meter) throws(TemplateError) in
      guard case .tuple(let items) = try arguments.value("affix") else {
        return .bool(matches(text, try arguments.text("affix") ?? []))
      }
      for item in items.values {
        try meter.touch(item.count)
        if case .string(let affix) = item, matches(text, affix) { return .bool(true) }
      }
      return .bool(false)
    }
  }

  private static func padding(_ alignment: TextScalar) -> TextMethod {
    TextMethod(["width", "fillchar?"]) { (text, arguments, meter) throws(TemplateError) in
      var specification = FormatSpecification(alignment: alignment)
      specification.width = try arguments.integer("width") ?? 0
      if let fill = try arguments.text("fillchar")?.first { specification.fill = fill }
      return .string(try specification.apply(to: .string(text), meter))
    }
  }

  private static func split(
    _ text: Text, _ arguments: BoundArguments, _ meter: Meter, reversesSeparator: Bool = false
  ) throws(TemplateError) -> [Text] {
    let limit = try arguments.integer("maxsplit").map { $0 < 0 ? .max : $0 } ?? .max
    guard let separator = try arguments.text("sep") else { return try text.splitAtSpaces(limit: limit, meter) }
    if separator.isEmpty { throw meter.error(.value, "empty separator") }
    return try text.split(at: reversesSeparator ? Text(separator.reversed()) : separator, limit: limit, meter)
  }

  private static func partition(
    _ text: Text, _ arguments: BoundArguments, _ meter: Meter, fromEnd: Bool
  ) throws(TemplateError) -> Value {
    let separator = try arguments.text("sep") ?? []
    if separator.isEmpty { throw meter.error(.value, "empty separator") }
    try meter.allocate(text.count)
    guard let position = try fromEnd ? text.findLast(separator, meter) : text.find(separator, meter) else {
      return try .tuple(
        fromEnd ? [.string([]), .string([]), .string(text)] : [.string(text), .string([]), .string([])], meter)
    }
    let rest = Text(text[(position + separator.count)...])
    return try .tuple([.string(Text(text[..<position])), .string(separator), .string(rest)], meter)
  }
}

extension TextScalar {
  fileprivate var isLetter: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  fileprivate var isSuperscriptDigit: Bool { properties.numericType == .digit }
}
