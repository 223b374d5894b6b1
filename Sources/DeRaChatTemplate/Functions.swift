/// The global functions.
enum Functions {
  typealias Body = @Sendable (Arguments, Interpreter) throws(TemplateError) -> Value

  static let all: [String: Body] = [
    "range": range,
    "namespace": { (arguments, run) throws(TemplateError) in
      try run.meter.allocate(objects: 1)
      let attributes = try mapping(of: arguments, run.meter)
      for entry in attributes.entries { try run.checkNamespaceAttribute(entry.key) }
      run.namespaces.append(attributes)
      return .namespace(run.namespaces.count - 1)
    },
    "joiner": { (arguments, run) throws(TemplateError) in
      let bound = try arguments.bound(to: ["sep?"], of: "joiner", run.meter)
      return try run.make(.joiner(separator: bound["sep"] ?? .text(", "), isUsed: false))
    },
    "cycler": { (arguments, run) throws(TemplateError) in
      guard !arguments.positional.isEmpty else { throw run.meter.error(.value, "'cycler' needs values") }
      return try run.make(.cycler(arguments.positional, position: 0))
    },
    "dict": { (arguments, run) throws(TemplateError) in .mapping(try mapping(of: arguments, run.meter)) },
    "raise_exception": { (arguments, run) throws(TemplateError) in
      let bound = try arguments.bound(to: ["message"], of: "raise_exception", run.meter)
      throw run.meter.error(.raised, try run.meter.string(try bound.value("message")).string)
    },
    "strftime_now": { (arguments, run) throws(TemplateError) in
      let bound = try arguments.bound(to: ["format"], of: "strftime_now", run.meter)
      guard let now = run.now else { throw run.meter.error(.undefined, "'strftime_now' is undefined") }
      return .string(try now.formatted(try bound.text("format") ?? [], run.meter))
    },
  ]

  @Sendable private static func range(_ arguments: Arguments, _ run: Interpreter) throws(TemplateError) -> Value {
    let meter = run.meter
    let bound = try arguments.bound(to: ["start", "stop?", "step?"], of: "range", meter)
    let first = try bound.integer("start") ?? 0
    let stop = try bound.integer("stop")
    let step = try bound.integer("step") ?? 1
    if step == 0 { throw meter.error(.value, "the step of 'range' cannot be 0") }
    let elements = stride(from: stop == nil ? 0 : first, to: stop ?? first, by: step)
    var values: [Value] = []
    for element in elements {
      if values.count == meter.limits.range { throw meter.exceeded(.range, meter.limits.range, "elements of 'range'") }
      values.append(.int(element))
    }
    return try .list(values, meter)
  }

  /// The initial content of `dict(…)` and `namespace(…)`: a dictionary or pairs, then the keyword arguments.
  private static func mapping(of arguments: Arguments, _ meter: Meter) throws(TemplateError) -> Mapping {
    let bound = try arguments.bound(to: ["from?", "*"], of: "dict", meter)
    var mapping = Mapping()
    switch bound["from"] {
    case nil: break
    case .mapping(let start)?:
      try meter.allocate(objects: start.entries.count)
      mapping = start
    case let pairs?:
      for pair in try meter.elements(of: pairs) {
        let items = try meter.elements(of: pair)
        guard items.count == 2 else { throw meter.error(.value, "a dictionary is made from pairs") }
        try mapping.set(items[0], items[1], meter)
      }
    }
    for (name, value) in bound.restKeywords { try mapping.set(.text(name), value, meter) }
    return mapping
  }
}
