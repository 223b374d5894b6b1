// Expressions.
extension Interpreter {
  func evaluate(_ expression: Expression, _ scope: Scope) throws(TemplateError) -> Value {
    try meter.enter()
    meter.line = expression.line
    let value = try evaluate(expression.kind, scope)
    meter.leave()
    return value
  }

  private func evaluate(_ kind: Expression.Kind, _ scope: Scope) throws(TemplateError) -> Value {
    switch kind {
    case .literal(let literal): return Value(literal)
    case .name(let name): return scope[name] ?? .undefined("'\(name)' is undefined")
    case .list(let items): return try .list(try evaluate(items, scope), meter)
    case .tuple(let items): return try .tuple(try evaluate(items, scope), meter)
    case .mapping(let pairs): return try evaluate(pairs, scope)
    case .arithmetic(let first, let rest): return try evaluate(first, rest, scope)
    case .comparison(let first, let rest): return try evaluate(first, rest, scope)
    case .and(let operands): return try evaluate(operands, until: false, scope)
    case .or(let operands): return try evaluate(operands, until: true, scope)
    case .not(let operand): return .bool(!(try evaluate(operand, scope).isTrue))
    case .negated(let operand): return try meter.negate(try evaluate(operand, scope))
    case .positive(let operand): return try meter.positive(try evaluate(operand, scope))
    case .conditional(let condition, let then, let otherwise):
      if try evaluate(condition, scope).isTrue { return try evaluate(then, scope) }
      guard let otherwise else { return .undefined("this condition is false and has no 'else'") }
      return try evaluate(otherwise, scope)
    case .postfix(let base, let chain):
      var value = try evaluate(base, scope)
      for postfix in chain { value = try apply(postfix, to: value, scope) }
      return value
    }
  }

  private func evaluate(_ items: [Expression], _ scope: Scope) throws(TemplateError) -> [Value] {
    var values: [Value] = []
    for item in items { values.append(try evaluate(item, scope)) }
    return values
  }

  private func evaluate(
    _ pairs: [(key: Expression, value: Expression)], _ scope: Scope
  ) throws(TemplateError) -> Value {
    var mapping = Mapping()
    for (key, value) in pairs { try mapping.set(try evaluate(key, scope), try evaluate(value, scope), meter) }
    return .mapping(mapping)
  }

  private func evaluate(
    _ first: Expression, _ rest: [(BinaryOperator, Expression)], _ scope: Scope
  ) throws(TemplateError) -> Value {
    var value = try evaluate(first, scope)
    for (binary, operand) in rest {
      let right = try evaluate(operand, scope)
      try meter.step()
      value = try meter.combine(value, binary, right)
    }
    return value
  }

  private func evaluate(
    _ first: Expression, _ rest: [(ComparisonOperator, Expression)], _ scope: Scope
  ) throws(TemplateError) -> Value {
    var left = try evaluate(first, scope)
    for (comparison, operand) in rest {
      let right = try evaluate(operand, scope)
      try meter.step()
      guard try meter.compare(left, comparison, right) else { return .bool(false) }
      left = right
    }
    return .bool(true)
  }

  /// The first operand that decides the matter, or the last.
  private func evaluate(
    _ operands: [Expression], until decisive: Bool, _ scope: Scope
  ) throws(TemplateError) -> Value {
    var value = Value.none
    for operand in operands {
      value = try evaluate(operand, scope)
      if value.isTrue == decisive { break }
    }
    return value
  }

  func evaluate(_ arguments: CallArguments, _ scope: Scope) throws(TemplateError) -> Arguments {
    var result = Arguments(positional: try evaluate(arguments.positional, scope))
    func add(_ name: String, _ value: Value) throws(TemplateError) {
      guard !result.keywords.contains(where: { $0.name == name }) else {
        throw meter.error(.syntax, "the argument '\(name)' is given twice")
      }
      result.keywords.append((name, value))
    }
    for (name, expression) in arguments.keywords { try add(name, try evaluate(expression, scope)) }
    if let spread = arguments.spread {
      let values = try evaluate(spread, scope)
      try meter.require(values)
      result.positional += try meter.elements(of: values)
    }
    if let spread = arguments.keywordSpread {
      guard case .mapping(let mapping) = try evaluate(spread, scope), mapping.entries.count <= Parser.mostParameters
      else {
        throw meter.error(.value, "'**' needs a dictionary of at most \(Parser.mostParameters) arguments")
      }
      for entry in mapping.entries {
        guard case .string(let name) = entry.key else { throw meter.error(.value, "'**' needs names as keys") }
        try add(name.string, entry.value)
      }
    }
    return result
  }

  // MARK: What follows a value

  func apply(_ chain: [Postfix], to value: Value, _ scope: Scope) throws(TemplateError) -> Value {
    var value = value
    for postfix in chain { value = try apply(postfix, to: value, scope) }
    return value
  }

  private func apply(_ postfix: Postfix, to value: Value, _ scope: Scope) throws(TemplateError) -> Value {
    try meter.step()
    meter.line = postfix.line
    switch postfix.kind {
    case .attribute(let name): return try attribute(name, of: value)
    case .subscription(let index): return try item(try evaluate(index, scope), of: value)
    case .slice(let start, let end, let step):
      return try meter.slice(
        value, start: try start.map { expression throws(TemplateError) in try evaluate(expression, scope) },
        end: try end.map { expression throws(TemplateError) in try evaluate(expression, scope) },
        step: try step.map { expression throws(TemplateError) in try evaluate(expression, scope) })
    case .call(let arguments): return try call(value, try evaluate(arguments, scope), caller: nil)
    case .filter(let name, let arguments): return try filter(name, value, try evaluate(arguments, scope))
    case .test(let name, let arguments, let isNegated):
      return .bool(try test(name, value, try evaluate(arguments, scope)) != isNegated)
    }
  }

  func filter(_ name: String, _ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
    guard let filter = Filters.all[name] else { throw meter.error(.unsupported, "there is no filter '\(name)'") }
    try meter.step()
    try meter.touch(value.count)
    return try filter.body(value, try arguments.bound(to: filter.parameters, of: "filter '\(name)'", meter), self)
  }

  func test(_ name: String, _ value: Value, _ arguments: Arguments) throws(TemplateError) -> Bool {
    guard let test = Tests.all[name] else { throw meter.error(.unsupported, "there is no test '\(name)'") }
    try meter.step()
    return try test.body(value, try arguments.bound(to: test.parameters, of: "test '\(name)'", meter), meter)
  }

  func call(_ callee: Value, _ arguments: Arguments, caller: Value?) throws(TemplateError) -> Value {
    switch callee {
    case .macro(let handle): return try callMacro(handle, arguments, caller: caller)
    case .function(let name):
      guard let function = Functions.all[name] else { throw meter.error(.value, "there is no function '\(name)'") }
      return try function(arguments, self)
    case .method(let receiver, let name): return try Methods.call(name, on: receiver, arguments, self)
    case .loop(let state): return try callLoop(state, arguments)
    case .helper(let handle): return try callHelper(handle, arguments)
    case .undefined(let reason): throw meter.error(.undefined, reason)
    default: throw meter.error(.value, "'\(callee.typeName)' object is not callable")
    }
  }

  // MARK: Attributes and items

  /// `value.name`: an attribute or method, then an entry of a dictionary.
  func attribute(_ name: String, of value: Value) throws(TemplateError) -> Value {
    try meter.require(value)
    switch value {
    case .loop(let state): return state.attribute(name)
    case .helper(let handle):
      if let found = try helperAttribute(name, of: handle) { return found }
    case .namespace(let handle):
      if let found = try namespaces[handle].get(.text(name), meter) { return found }
    case .macro(let handle) where name == "name": return .text(macroName(handle))
    default: break
    }
    if try Methods.exists(name, on: value, meter) { return .method(value, name) }
    if case .mapping(let mapping) = value, let found = try mapping.get(.text(name), meter) { return found }
    return .undefined("'\(value.typeName)' object has no attribute '\(name)'")
  }

  /// `value[index]`: an element or entry, then an attribute.
  func item(_ index: Value, of value: Value) throws(TemplateError) -> Value {
    try meter.require(value)
    switch (value, index) {
    case (.mapping(let mapping), _):
      if let found = try mapping.get(index, meter) { return found }
    case (.list(let items), .int), (.tuple(let items), .int), (.list(let items), .bool), (.tuple(let items), .bool):
      if let found = items.values.element(at: index) { return found }
    case (.string(let text), .int), (.string(let text), .bool):
      if let found = text.element(at: index) { return .string([found]) }
    default: break
    }
    if case .string(let name) = index { return try attribute(name.string, of: value) }
    return .undefined("'\(value.typeName)' object has no element \(try meter.representation(index).string)")
  }
}

extension Value {
  init(_ literal: Literal) {
    switch literal {
    case .none: self = .none
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(value)
    case .double(let value): self = .double(value)
    case .string(let text): self = .string(text)
    }
  }
}

extension Array {
  /// The element at an index that counts from the end when negative.
  fileprivate func element(at index: Value) -> Element? {
    guard let index = index.integer else { return nil }
    let position = index < 0 ? index + count : index
    return indices.contains(position) ? self[position] : nil
  }
}
