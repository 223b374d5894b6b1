/// A value that changes with every use, made by the global functions `joiner` and `cycler`.
enum Helper {
  /// Nothing at first, then `separator`.
  case joiner(separator: Value, isUsed: Bool)
  /// Its values in turn.
  case cycler([Value], position: Int)
}

extension Interpreter {
  func make(_ helper: Helper) throws(TemplateError) -> Value {
    try meter.allocate(objects: 2)
    helpers.append(helper)
    return .helper(helpers.count - 1)
  }

  func callHelper(_ handle: Int, _ arguments: Arguments) throws(TemplateError) -> Value {
    _ = try arguments.bound(to: [], of: "joiner", meter)
    guard case .joiner(let separator, let isUsed) = helpers[handle] else {
      throw meter.error(.value, "'Cycler' object is not callable")
    }
    helpers[handle] = .joiner(separator: separator, isUsed: true)
    return isUsed ? separator : .string([])
  }

  /// An attribute of a cycler; nil for others.
  func helperAttribute(_ name: String, of handle: Int) throws(TemplateError) -> Value? {
    guard case .cycler(let values, let position) = helpers[handle] else { return nil }
    switch name {
    case "current": return values[position]
    case "next", "reset": return .method(.helper(handle), name)
    default: return nil
    }
  }

  /// `next` gives the current value and goes on to the next; `reset` starts again.
  func callCycler(_ name: String, _ handle: Int) throws(TemplateError) -> Value {
    guard case .cycler(let values, let position) = helpers[handle] else {
      throw meter.error(.value, "there is no method '\(name)'")
    }
    helpers[handle] = .cycler(values, position: name == "next" ? (position + 1) % values.count : 0)
    return name == "next" ? values[position] : .none
  }
}
