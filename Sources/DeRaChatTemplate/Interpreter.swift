/// Renders the statements of one template once.
final class Interpreter {
  let meter: Meter
  let now: TemplateDate?
  var namespaces: [Mapping] = []
  private var macros: [MacroClosure] = []
  private var output = Text()

  init(meter: Meter, now: TemplateDate?) {
    self.meter = meter
    self.now = now
  }

  func render(_ statements: [Statement], variables: [String: TemplateValue]) throws(TemplateError) -> String {
    let scope = Scope(parent: nil)
    for name in Functions.all.keys where name != "strftime_now" || now != nil { scope[name] = .function(name) }
    for (name, value) in variables { scope[name] = try Value(value, meter) }
    _ = try execute(statements, scope)
    return output.string
  }

  /// The effect of a statement on the loop it is in.
  private enum Flow { case normal, leaveLoop, nextIteration }

  private func execute(_ statements: [Statement], _ scope: Scope) throws(TemplateError) -> Flow {
    try meter.enter()
    for statement in statements {
      meter.line = statement.line
      let flow = try execute(statement, scope)
      if flow != .normal {
        meter.leave()
        return flow
      }
    }
    meter.leave()
    return .normal
  }

  private func execute(_ statement: Statement, _ scope: Scope) throws(TemplateError) -> Flow {
    try meter.step()
    switch statement.kind {
    case .text(let text): try write(text)
    case .output(let expression): try write(meter.string(try evaluate(expression, scope)))
    case .conditional(let branches, let otherwise):
      for branch in branches where try evaluate(branch.condition, scope).isTrue {
        return try execute(branch.body, scope)
      }
      return try execute(otherwise, scope)
    case .loop(let loop): return try execute(loop, scope)
    case .set(let target, let expression): try assign(try evaluate(expression, scope), to: target, scope)
    case .setBlock(let target, let filters, let body):
      let (text, flow) = try capture(body, Scope(parent: scope))
      if flow != .normal { return flow }
      try assign(try apply(filters, to: .string(text), scope), to: target, scope)
    case .with(let values, let body):
      let inner = Scope(parent: scope)
      for (name, expression) in values { inner[name] = try evaluate(expression, scope) }
      return try execute(body, inner)
    case .macro(let macro): scope[macro.name] = try define(macro, scope)
    case .call(let callee, let arguments, let caller):
      let macro = try evaluate(callee, scope)
      let arguments = try evaluate(arguments, scope)
      try write(meter.string(try call(macro, arguments, caller: try define(caller, scope))))
    case .filtered(let filters, let body):
      let (text, flow) = try capture(body, Scope(parent: scope))
      if flow != .normal { return flow }
      try write(meter.string(try apply(filters, to: .string(text), scope)))
    case .scope(let body): return try execute(body, Scope(parent: scope))
    case .leaveLoop: return .leaveLoop
    case .nextIteration: return .nextIteration
    }
    return .normal
  }

  private func write(_ text: Text) throws(TemplateError) {
    if text.count > meter.limits.output - output.count {
      throw meter.exceeded(.output, meter.limits.output, "characters of output")
    }
    try meter.allocate(text.count)
    output += text
  }

  /// The text that `body` writes.
  private func capture(_ body: [Statement], _ scope: Scope) throws(TemplateError) -> (text: Text, flow: Flow) {
    let outer = output
    output = []
    let flow = try execute(body, scope)
    let text = output
    output = outer
    return (text, flow)
  }

  // MARK: Loops

  private func execute(_ loop: Loop, _ scope: Scope) throws(TemplateError) -> Flow {
    let source = try evaluate(loop.elements, scope)
    var elements = try meter.elements(of: source)
    if let condition = loop.condition {
      var kept: [Value] = []
      for element in elements {
        let inner = Scope(parent: scope)
        try assign(element, to: loop.target, inner)
        if try evaluate(condition, inner).isTrue { kept.append(element) }
      }
      elements = kept
    }
    let state = LoopState(elements: elements, depth: source.depth)
    // As in Jinja, `else` also runs when no turn reaches its end because each is left by `break` or `continue`.
    var finishedATurn = false
    for (index, element) in elements.enumerated() {
      try meter.step()
      state.index = index
      let inner = Scope(parent: scope)
      inner["loop"] = .loop(state)
      try assign(element, to: loop.target, inner)
      let flow = try execute(loop.body, inner)
      if flow == .leaveLoop { break }
      if flow == .normal { finishedATurn = true }
    }
    return finishedATurn ? .normal : try execute(loop.otherwise, scope)
  }

  private func assign(_ value: Value, to target: Target, _ scope: Scope) throws(TemplateError) {
    switch target {
    case .name(let name): scope[name] = value
    case .attribute(let name, let attribute):
      guard case .namespace(let handle)? = scope[name] else {
        throw meter.error(.value, "'\(name)' is not a namespace, so its attribute '\(attribute)' cannot be set")
      }
      try checkNamespaceAttribute(.text(attribute))
      try namespaces[handle].set(.text(attribute), value, meter)
    case .tuple(let targets):
      try meter.require(value)
      let values = try meter.elements(of: value)
      guard values.count == targets.count else {
        throw meter.error(.value, "expected \(targets.count) values to unpack, found \(values.count)")
      }
      for (target, value) in zip(targets, values) { try assign(value, to: target, scope) }
    }
  }

  /// `transformers` keeps names with an underscore out of namespaces, whatever they hold.
  func checkNamespaceAttribute(_ name: Value) throws(TemplateError) {
    guard case .string(let text) = name, text.first == "_" else { return }
    throw meter.error(.forbidden, "a namespace's attribute may not start with '_', as '\(text.string)' does")
  }

  // MARK: Macros

  /// Kept until the rendering ends, with all that its scope holds.
  private func define(_ macro: Macro, _ scope: Scope) throws(TemplateError) -> Value {
    try meter.allocate(objects: 8)
    macros.append(MacroClosure(macro: macro, scope: scope))
    return .macro(macros.count - 1)
  }

  func macroName(_ handle: Int) -> String { macros[handle].macro.name }

  /// Calls a macro. A parameter without argument has its default value, which may use the parameters before it.
  func callMacro(_ handle: Int, _ arguments: Arguments, caller: Value?) throws(TemplateError) -> Value {
    let closure = macros[handle]
    let macro = closure.macro
    let scope = Scope(parent: closure.scope)
    let line = meter.line
    try meter.enter()
    guard arguments.positional.count <= macro.parameters.count else {
      throw meter.error(.value, "macro '\(macro.name)' takes at most \(macro.parameters.count) arguments")
    }
    for (name, _) in arguments.keywords where !macro.parameters.contains(where: { $0.name == name }) {
      throw meter.error(.value, "macro '\(macro.name)' takes no keyword argument '\(name)'")
    }
    for (index, parameter) in macro.parameters.enumerated() {
      var value = arguments.keywords.first { $0.name == parameter.name }?.value
      if index < arguments.positional.count {
        if value != nil { throw meter.error(.value, "macro '\(macro.name)' got two values for '\(parameter.name)'") }
        value = arguments.positional[index]
      } else if value == nil, let expression = parameter.defaultValue {
        value = try evaluate(expression, scope)
      }
      scope[parameter.name] = value ?? .undefined("parameter '\(parameter.name)' was not provided")
    }
    scope["caller"] = caller ?? .undefined("this macro was not called by a 'call' block")
    let text = try capture(macro.body, scope).text
    meter.leave()
    meter.line = line
    return .string(text)
  }
}
