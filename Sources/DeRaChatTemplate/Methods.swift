/// The methods of strings, dictionaries, lists and loops.
struct Methods {
  typealias Body<Receiver> = @Sendable (Receiver, BoundArguments, Meter) throws(TemplateError) -> Value

  /// Methods of Python's lists and dictionaries that change their receiver, which the sandbox refuses.
  private static let changing: [String: Set<String>] = [
    "list": ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"],
    "dict": ["clear", "pop", "popitem", "setdefault", "update"],
  ]

  /// Whether `value` has the method.
  /// - Throws: of kind `.forbidden` for methods that would change the value.
  static func exists(_ name: String, on value: Value, _ meter: Meter) throws(TemplateError) -> Bool {
    if let changing = changing[value.typeName], changing.contains(name) {
      throw meter.error(.forbidden, "'\(value.typeName).\(name)' changes its value, which a template may not do")
    }
    switch value {
    case .string: return strings[name] != nil || name == "format"
    case .mapping: return mappings[name] != nil
    case .list, .tuple: return lists[name] != nil
    default: return false
    }
  }

  static func call(
    _ name: String, on receiver: Value, _ arguments: Arguments, _ run: Interpreter
  ) throws(TemplateError) -> Value {
    let meter = run.meter
    let what = "'\(receiver.typeName).\(name)'"
    try meter.touch(receiver.count)
    switch receiver {
    case .string(let text):
      if name == "format" { return .string(try meter.formatted(text, with: arguments)) }
      guard let method = strings[name] else { break }
      return try method.body(text, try arguments.bound(to: method.parameters, of: what, meter), meter)
    case .mapping(let mapping):
      guard let method = mappings[name] else { break }
      return try method.body(mapping, try arguments.bound(to: method.parameters, of: what, meter), meter)
    case .list(let items), .tuple(let items):
      guard let method = lists[name] else { break }
      return try method.body(items, try arguments.bound(to: method.parameters, of: what, meter), meter)
    case .loop(let state): return try state.call(name, arguments, meter)
    case .helper(let handle): return try run.callCycler(name, handle)
    default: break
    }
    throw meter.error(.value, "there is no method \(what)")
  }

  struct Method<Receiver>: Sendable {
    let parameters: [String]
    let body: Body<Receiver>

    init(_ parameters: [String] = [], _ body: @escaping Body<Receiver>) {
      self.parameters = parameters
      self.body = body
    }
  }

  private static let mappings: [String: Method<Mapping>] = [
    "get": Method(["key", "default?"]) { (mapping, arguments, meter) throws(TemplateError) in
      try mapping.get(try arguments.value("key"), meter) ?? arguments["default"] ?? .none
    },
    "items": Method { (mapping, _, meter) throws(TemplateError) in try meter.pairs(of: mapping) },
    "keys": Method { (mapping, _, meter) throws(TemplateError) in try .list(mapping.entries.map(\.key), meter) },
    "values": Method { (mapping, _, meter) throws(TemplateError) in try .list(mapping.entries.map(\.value), meter) },
    "copy": Method { (mapping, _, _) throws(TemplateError) in .mapping(mapping) },
  ]

  private static let lists: [String: Method<Items>] = [
    "index": Method(["value"]) { (items, arguments, meter) throws(TemplateError) in
      let value = try arguments.value("value")
      for (index, item) in items.values.enumerated() where try meter.equal(item, value) { return .int(index) }
      throw meter.error(.value, "the value is not in the list")
    },
    "count": Method(["value"]) { (items, arguments, meter) throws(TemplateError) in
      let value = try arguments.value("value")
      var count = 0
      for item in items.values where try meter.equal(item, value) { count += 1 }
      return .int(count)
    },
    "copy": Method { (items, _, meter) throws(TemplateError) in try .list(items.values, meter) },
  ]
}

extension Meter {
  /// Every entry as a tuple of key and value.
  func pairs(of mapping: Mapping) throws(TemplateError) -> Value {
    var pairs: [Value] = []
    for entry in mapping.entries { pairs.append(try .tuple([entry.key, entry.value], self)) }
    return try .list(pairs, self)
  }
}

extension LoopState {
  fileprivate func call(_ name: String, _ arguments: Arguments, _ meter: Meter) throws(TemplateError) -> Value {
    let values = arguments.positional
    if name == "cycle" {
      guard !values.isEmpty else { throw meter.error(.value, "'loop.cycle' needs values to go through") }
      return values[index % values.count]
    }
    for value in values { try refuseLoops(in: value, meter) }
    var isSame = lastChecked?.count == values.count
    for (old, new) in zip(lastChecked ?? [], values) where isSame { isSame = try meter.equal(old, new) }
    lastChecked = values
    return .bool(!isSame)
  }

  /// `loop.changed` keeps what it is given: a loop there could hold this one, and neither would ever be released.
  private func refuseLoops(in value: Value, _ meter: Meter) throws(TemplateError) {
    try meter.step()
    switch value {
    case .loop: throw meter.error(.unsupported, "'loop.changed' does not take a loop")
    case .list(let items), .tuple(let items):
      for item in items.values { try refuseLoops(in: item, meter) }
    case .mapping(let mapping):
      // Keys are hashed, and loops cannot be.
      for entry in mapping.entries { try refuseLoops(in: entry.value, meter) }
    case .method(let receiver, _): try refuseLoops(in: receiver, meter)
    default: break
    }
  }
}
