// Filters on lists and dictionaries.
extension Filters {
  static let sequences: [String: Filters] = [
    "length": counting,
    "count": counting,
    "list": Filters { (value, _, run) throws(TemplateError) in
      try .list(try run.meter.elements(of: value), run.meter)
    },
    "items": Filters { (value, _, run) throws(TemplateError) in
      switch value {
      case .undefined: return try .list([], run.meter)
      case .mapping(let mapping): return try run.meter.pairs(of: mapping)
      default: throw run.meter.error(.value, "'items' needs a dictionary, not '\(value.typeName)'")
      }
    },
    "first": Filters { (value, _, run) throws(TemplateError) in
      try run.meter.elements(of: value).first ?? .undefined("'first' of nothing")
    },
    "last": Filters { (value, _, run) throws(TemplateError) in
      try run.meter.elements(of: value).last ?? .undefined("'last' of nothing")
    },
    "reverse": Filters { (value, _, run) throws(TemplateError) in
      if case .string(let text) = value {
        try run.meter.allocate(text.count)
        return .string(text.reversed())
      }
      return try .list(try run.meter.elements(of: value).reversed(), run.meter)
    },
    "join": Filters(["d?", "attribute?"]) { (value, arguments, run) throws(TemplateError) in
      let elements = try run.keys(of: try run.meter.elements(of: value), by: arguments.given("attribute"))
      return .string(try run.meter.joined(elements, separator: try run.meter.string(arguments["d"] ?? .string([]))))
    },
    "sum": Filters(["attribute?", "start?"]) { (value, arguments, run) throws(TemplateError) in
      var sum = arguments["start"] ?? .int(0)
      for element in try run.keys(of: try run.meter.elements(of: value), by: arguments.given("attribute")) {
        try run.meter.step()
        sum = try run.meter.combine(sum, .add, element)
      }
      return sum
    },
    "sort": Filters(["reverse?", "case_sensitive?", "attribute?"]) { (value, arguments, run) throws(TemplateError) in
      try .list(try run.sorted(try run.meter.elements(of: value), arguments), run.meter)
    },
    "min": Filters(["case_sensitive?", "attribute?"]) { (value, arguments, run) throws(TemplateError) in
      try run.sorted(try run.meter.elements(of: value), arguments).first ?? .undefined("'min' of nothing")
    },
    "max": Filters(["case_sensitive?", "attribute?"]) { (value, arguments, run) throws(TemplateError) in
      let elements = try run.meter.elements(of: value)
      return try run.sorted(elements, arguments, reversed: true).first ?? .undefined("'max' of nothing")
    },
    "dictsort": Filters(["case_sensitive?", "by?", "reverse?"], sortedPairs),
    "unique": Filters(["case_sensitive?", "attribute?"]) { (value, arguments, run) throws(TemplateError) in
      let elements = try run.meter.elements(of: value)
      let keys = try run.sortKeys(of: elements, arguments)
      try run.meter.allocate(objects: keys.count)
      var seen: Set<MappingKey> = []
      var kept: [Value] = []
      for (element, key) in zip(elements, keys) where seen.insert(try MappingKey(key, run.meter)).inserted {
        kept.append(element)
      }
      return try .list(kept, run.meter)
    },
    "groupby": Filters(["attribute", "default?", "case_sensitive?"], grouped),
    "slice": Filters(["slices", "fill_with?"]) { (value, arguments, run) throws(TemplateError) in
      let count = try arguments.integer("slices") ?? 0
      guard count > 0 else { throw run.meter.error(.value, "'slice' needs a positive count") }
      let elements = try run.meter.elements(of: value)
      try run.meter.allocate(objects: count)
      let (size, longer) = (elements.count / count, elements.count % count)
      var rows: [Value] = []
      var start = 0
      for index in 0..<count {
        let end = start + size + (index < longer ? 1 : 0)
        let fill = arguments.given("fill_with").flatMap { index >= longer ? $0 : nil }
        rows.append(try .list(elements[start..<end] + (fill.map { [$0] } ?? []), run.meter))
        start = end
      }
      return try .list(rows, run.meter)
    },
    "batch": Filters(["linecount", "fill_with?"]) { (value, arguments, run) throws(TemplateError) in
      let size = try arguments.integer("linecount") ?? 0
      guard size > 0 else { throw run.meter.error(.value, "'batch' needs a positive count") }
      var rest = try run.meter.elements(of: value)[...]
      var rows: [Value] = []
      while !rest.isEmpty {
        var row = Array(rest.prefix(size))
        rest = rest.dropFirst(size)
        if let fill = arguments.given("fill_with") {
          try run.meter.allocate(size - row.count)
          row += Array(repeating: fill, count: size - row.count)
        }
        rows.append(try .list(row, run.meter))
      }
      return try .list(rows, run.meter)
    },
  ]

  /// Elements by an attribute, in the order of its values: pairs of the value and a list.
  @Sendable private static func grouped(
    _ value: Value, _ arguments: BoundArguments, _ run: Interpreter
  ) throws(TemplateError) -> Value {
    let elements = try run.meter.elements(of: value)
    var keys = try run.keys(of: elements, by: try arguments.value("attribute"))
    if let fallback = arguments["default"] { keys = keys.map { $0.isUndefined ? fallback : $0 } }
    let isSensitive = arguments.flag("case_sensitive")
    var pairs: [Value] = []
    for (key, element) in zip(keys, elements) {
      var shown = key
      if !isSensitive, case .string(let text) = key { shown = .string(text.lowercased()) }
      pairs.append(try .tuple([shown, key, element], run.meter))
    }
    let sorted = try run.meter.sorted(pairs) { (left, right) throws(TemplateError) in
      try run.meter.less(try run.item(.int(0), of: left), try run.item(.int(0), of: right))
    }
    var groups: [(compared: Value, key: Value, elements: [Value])] = []
    for pair in sorted {
      let parts = try run.meter.elements(of: pair)
      if let last = groups.indices.last, try run.meter.equal(groups[last].compared, parts[0]) {
        groups[last].elements.append(parts[2])
      } else {
        groups.append((parts[0], parts[1], [parts[2]]))
      }
    }
    var result: [Value] = []
    for group in groups { result.append(try .tuple([group.key, try .list(group.elements, run.meter)], run.meter)) }
    return try .list(result, run.meter)
  }

  private static let counting = Filters { (value, _, run) throws(TemplateError) in
    switch value {
    case .undefined: return .int(0)
    case .string(let text): return .int(text.count)
    case .list(let items), .tuple(let items): return .int(items.values.count)
    case .mapping(let mapping): return .int(mapping.entries.count)
    default: throw run.meter.error(.value, "'\(value.typeName)' object has no length")
    }
  }

  @Sendable private static func sortedPairs(
    _ value: Value, _ arguments: BoundArguments, _ run: Interpreter
  ) throws(TemplateError) -> Value {
    try run.meter.require(value)
    guard case .mapping(let mapping) = value else {
      throw run.meter.error(.value, "'dictsort' needs a dictionary, not '\(value.typeName)'")
    }
    let position: Int
    switch try arguments.text("by")?.string ?? "key" {
    case "key": position = 0
    case "value": position = 1
    default: throw run.meter.error(.value, "'dictsort' sorts by 'key' or 'value'")
    }
    let pairs = try run.meter.elements(of: try run.meter.pairs(of: mapping))
    return try .list(try run.sorted(pairs, arguments, by: .int(position)), run.meter)
  }
}

extension Interpreter {
  /// The value of an `attribute=` argument for each element; the elements themselves without one.
  func keys(of elements: [Value], by path: Value?) throws(TemplateError) -> [Value] {
    guard let path else { return elements }
    var keys: [Value] = []
    for element in elements { keys.append(try attribute(path: path, of: element)) }
    return keys
  }

  /// The keys by which elements are compared: an attribute, in lower case unless case matters.
  func sortKeys(
    of elements: [Value], _ arguments: BoundArguments, by path: Value? = nil
  ) throws(TemplateError) -> [Value] {
    let keys = try keys(of: elements, by: path ?? arguments.given("attribute"))
    if arguments.flag("case_sensitive") { return keys }
    var lowered: [Value] = []
    for key in keys {
      guard case .string(let text) = key else {
        lowered.append(key)
        continue
      }
      try meter.allocate(text.count)
      lowered.append(.string(text.lowercased()))
    }
    return lowered
  }

  func sorted(
    _ elements: [Value], _ arguments: BoundArguments, reversed: Bool = false, by path: Value? = nil
  ) throws(TemplateError) -> [Value] {
    let keyed = Array(zip(try sortKeys(of: elements, arguments, by: path), elements))
    let isReversed = reversed || arguments.flag("reverse")
    let order = try meter.sorted(keyed) { (left, right) throws(TemplateError) in
      try isReversed ? meter.less(right.0, left.0) : meter.less(left.0, right.0)
    }
    return order.map(\.1)
  }
}

extension Meter {
  func joined(_ elements: [Value], separator: Text) throws(TemplateError) -> Text {
    var result = Text()
    for (index, element) in elements.enumerated() {
      let text = try string(element)
      try allocate(text.count + separator.count)
      if index > 0 { result += separator }
      result += text
    }
    return result
  }

  /// Merge sort: stable, and with a comparison that may throw.
  func sorted<Element>(
    _ elements: [Element], by precedes: (Element, Element) throws(TemplateError) -> Bool
  ) throws(TemplateError) -> [Element] {
    guard elements.count > 1 else { return elements }
    let middle = elements.count / 2
    let left = try sorted(Array(elements[..<middle]), by: precedes)
    let right = try sorted(Array(elements[middle...]), by: precedes)
    var result: [Element] = []
    result.reserveCapacity(elements.count)
    try touch(elements.count)
    var (first, second) = (0, 0)
    while first < left.count, second < right.count {
      if try precedes(right[second], left[first]) {
        result.append(right[second])
        second += 1
      } else {
        result.append(left[first])
        first += 1
      }
    }
    return result + left[first...] + right[second...]
  }
}
