// Filters that pick or transform each element of a list: `map`, `select` and their kin.
extension Filters {
  static let selections: [String: Filters] = [
    "map": Filters(["*"], map),
    "select": selecting(attribute: false, keeps: true),
    "reject": selecting(attribute: false, keeps: false),
    "selectattr": selecting(attribute: true, keeps: true),
    "rejectattr": selecting(attribute: true, keeps: false),
  ]

  @Sendable private static func map(
    _ value: Value, _ arguments: BoundArguments, _ run: Interpreter
  ) throws(TemplateError) -> Value {
    // As in Jinja, anything that counts as false has no elements here, `none` too.
    let elements = value.isTrue ? try run.meter.elements(of: value) : []
    let attribute = arguments.restKeywords.first { $0.name == "attribute" }?.value
    guard let attribute, arguments.rest.isEmpty else {
      let (name, further) = try run.nameAndArguments(arguments, of: "map")
      var mapped: [Value] = []
      for element in elements { mapped.append(try run.filter(name, element, further)) }
      return try .list(mapped, run.meter)
    }
    let fallback = arguments.restKeywords.first { $0.name == "default" }?.value
    let keys = try run.keys(of: elements, by: attribute)
    return try .list(keys.map { $0.isUndefined ? fallback ?? $0 : $0 }, run.meter)
  }

  /// Keeps the elements that pass (or fail) a test, or that are (or are not) true when no test is named.
  private static func selecting(attribute: Bool, keeps: Bool) -> Filters {
    Filters(attribute ? ["attribute", "*"] : ["*"]) { (value, arguments, run) throws(TemplateError) in
      let elements = value.isTrue ? try run.meter.elements(of: value) : []
      let subjects = try run.keys(of: elements, by: arguments["attribute"])
      let test = arguments.rest.isEmpty ? nil : try run.nameAndArguments(arguments, of: "select")
      var kept: [Value] = []
      for (element, subject) in zip(elements, subjects) {
        try run.meter.step()
        let passes = try test.map { test throws(TemplateError) in try run.test(test.name, subject, test.arguments) }
        if (passes ?? subject.isTrue) == keeps { kept.append(element) }
      }
      return try .list(kept, run.meter)
    }
  }
}

extension Interpreter {
  /// The first argument names a filter or test, the others are its own arguments.
  fileprivate func nameAndArguments(
    _ arguments: BoundArguments, of filter: String
  ) throws(TemplateError) -> (name: String, arguments: Arguments) {
    guard case .string(let name)? = arguments.rest.first else {
      throw meter.error(.value, "'\(filter)' needs the name of a filter or test")
    }
    let rest = Array(arguments.rest.dropFirst())
    return (name.string, Arguments(positional: rest, keywords: arguments.restKeywords))
  }
}
