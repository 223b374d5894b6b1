/// The evaluated arguments of a call.
struct Arguments {
  var positional: [Value] = []
  var keywords: [(name: String, value: Value)] = []

  /// Matches the arguments with a built-in's parameters. A parameter's name ends in `?` when it may be left out, and
  /// the last may be `*`, which takes all further arguments.
  func bound(to parameters: [String], of what: String, _ meter: Meter) throws(TemplateError) -> BoundArguments {
    var result = BoundArguments(meter: meter)
    let takesRest = parameters.last == "*"
    let named = takesRest ? parameters.dropLast() : parameters[...]
    let names = named.map { $0.hasSuffix("?") ? String($0.dropLast()) : $0 }
    for (index, value) in positional.enumerated() {
      if index < names.count {
        result.values[names[index]] = value
      } else if takesRest {
        result.rest.append(value)
      } else {
        throw meter.error(.value, "\(what) takes at most \(names.count) arguments, got \(positional.count)")
      }
    }
    for (name, value) in keywords {
      if names.contains(name) {
        if result.values.updateValue(value, forKey: name) != nil {
          throw meter.error(.value, "\(what) got two values for '\(name)'")
        }
      } else if takesRest {
        result.restKeywords.append((name, value))
      } else {
        throw meter.error(.value, "\(what) takes no argument '\(name)'")
      }
    }
    for (parameter, name) in zip(named, names) where parameter == name && result.values[name] == nil {
      throw meter.error(.value, "\(what) needs the argument '\(name)'")
    }
    return result
  }
}

/// Arguments by the name of their parameter, with the type checks built-ins need.
struct BoundArguments {
  let meter: Meter
  var values: [String: Value] = [:]
  var rest: [Value] = []
  var restKeywords: [(name: String, value: Value)] = []

  subscript(name: String) -> Value? { values[name] }

  /// The argument, with none counting as left out.
  func given(_ name: String) -> Value? {
    if case .none? = values[name] { return nil }
    return values[name]
  }

  func flag(_ name: String, default fallback: Bool = false) -> Bool {
    values[name]?.isTrue ?? fallback
  }

  func text(_ name: String) throws(TemplateError) -> Text? {
    guard let value = given(name) else { return nil }
    try meter.require(value)
    guard case .string(let text) = value else {
      throw meter.error(.value, "'\(name)' must be a string, not '\(value.typeName)'")
    }
    try meter.touch(text.count)
    return text
  }

  func integer(_ name: String) throws(TemplateError) -> Int? {
    guard let value = given(name) else { return nil }
    try meter.require(value)
    guard let integer = value.integer else {
      throw meter.error(.value, "'\(name)' must be a whole number, not '\(value.typeName)'")
    }
    return integer
  }

  /// A required argument, of whatever type.
  func value(_ name: String) throws(TemplateError) -> Value {
    guard let value = values[name] else { throw meter.error(.value, "the argument '\(name)' is missing") }
    return value
  }
}
