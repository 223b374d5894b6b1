/// Renders the statements of one template once.
final class Interpreter {
  let meter: Meter
  let now: TemplateDate?
  var namespaces: [Mapping] = []
  private var macros: [MacroClosure] = []
  /// Recursive loops under way or done, with the scope around them.
  private var recursiveLoops: [(loop: Loop, scope: Scope)] = []
  /// Values that `joiner` and `cycler` made.
  var helpers: [Helper] = []
  private var output = Text()

  init(meter: Meter, now: TemplateDate?) {
    self.meter = meter
    self.now = now
  }

  /// - Parameter conversation: variables whose texts come from the conversation, not from the model's files.
  func render(
    _ statements: [Statement], variables: [String: TemplateValue], conversation: [String: TemplateValue]
  ) throws(TemplateError) -> Text {
    let scope = Scope(parent: nil)
    for name in Functions.all.keys where name != "strftime_now" || now != nil { scope[name] = .function(name) }
    for (name, value) in conversation { scope[name] = try Value(value, meter, isContent: true) }
    for (name, value) in variables { scope[name] = try Value(value, meter) }
    _ = try execute(statements, scope)
    return output
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
    case .outputs(let expressions):
      for expression in expressions { try write(meter.string(try evaluate(expression, scope))) }
    case .loop(let loop): return try begin(loop, scope)
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

  private func begin(_ loop: Loop, _ scope: Scope) throws(TemplateError) -> Flow {
    var recursion: Int?
    if loop.isRecursive {
      try meter.allocate(objects: 8)
      recursion = recursiveLoops.count
      recursiveLoops.append((loop, scope))
    }
    return try execute(loop, try evaluate(loop.elements, scope), scope, level: 1, recursion)
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
    try capture { () throws(TemplateError) in try execute(body, scope) }
  }

  private func capture(_ body: () throws(TemplateError) -> Flow) throws(TemplateError) -> (text: Text, flow: Flow) {
    let outer = output
    output = []
    let flow = try body()
    let text = output
    output = outer
    return (text, flow)
  }

  // MARK: Loops

  private func execute(
    _ loop: Loop, _ source: Value, _ scope: Scope, level: Int, _ recursion: Int?
  ) throws(TemplateError) -> Flow {
    var elements = try meter.elements(of: source)
    if let condition = loop.condition {
      var kept: [Value] = []
      for element in elements {
        try meter.step(Meter.stepsPerTurn)
        let inner = Scope(parent: scope)
        try assign(element, to: loop.target, inner)
        if try evaluate(condition, inner).isTrue { kept.append(element) }
      }
      elements = kept
    }
    let state = LoopState(elements: elements, depth: source.depth, level: level, recursion: recursion)
    // As in Jinja, `else` also runs when no turn reaches its end because each is left by `break` or `continue`.
    var finishedATurn = false
    for (index, element) in elements.enumerated() {
      try meter.step(Meter.stepsPerTurn)
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

  /// The text that the body of a recursive loop writes for the elements one level below.
  func callLoop(_ state: LoopState, _ arguments: Arguments) throws(TemplateError) -> Value {
    guard let recursion = state.recursion else {
      throw meter.error(.value, "the loop is not 'recursive', so 'loop' cannot be called")
    }
    let elements = try arguments.bound(to: ["elements"], of: "loop", meter).value("elements")
    let (loop, scope) = recursiveLoops[recursion]
    let line = meter.line
    try meter.enter()
    let text = try capture { () throws(TemplateError) in
      try execute(loop, elements, scope, level: state.level + 1, recursion)
    }.text
    meter.leave()
    meter.line = line
    return .string(text)
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
    guard arguments.positional.count <= macro.parameters.count || macro.takesFurther else {
      throw meter.error(.value, "macro '\(macro.name)' takes at most \(macro.parameters.count) arguments")
    }
    let further = arguments.keywords.filter { argument in !macro.parameters.contains { $0.name == argument.name } }
    if let first = further.first, !macro.takesFurtherKeywords {
      throw meter.error(.value, "macro '\(macro.name)' takes no keyword argument '\(first.name)'")
    }
    if macro.takesFurther {
      scope["varargs"] = try .tuple(Array(arguments.positional.dropFirst(macro.parameters.count)), meter)
    }
    if macro.takesFurtherKeywords {
      var mapping = Mapping()
      for (name, value) in further { try mapping.set(.text(name), value, meter) }
      scope["kwargs"] = .mapping(mapping)
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
