/// The tests, which stand after `is`.
struct Tests {
  typealias Body = @Sendable (Value, BoundArguments, Meter) throws(TemplateError) -> Bool

  let parameters: [String]
  let body: Body

  private init(_ parameters: [String] = [], _ body: @escaping Body) {
    self.parameters = parameters
    self.body = body
  }

  private static func comparison(_ comparison: ComparisonOperator) -> Tests {
    Tests(["other"]) { (value, arguments, meter) throws(TemplateError) in
      try meter.compare(value, comparison, try arguments.value("other"))
    }
  }

  private static func integer(_ check: @escaping @Sendable (Int) -> Bool) -> Tests {
    Tests { (value, _, meter) throws(TemplateError) in
      try meter.require(value)
      guard let integer = value.integer else {
        throw meter.error(.value, "this test needs a whole number, not '\(value.typeName)'")
      }
      return check(integer)
    }
  }

  private static func type(_ names: Set<String>) -> Tests {
    Tests { (value, _, _) throws(TemplateError) in names.contains(value.typeName) }
  }

  private static func text(_ check: @escaping @Sendable (Text) -> Bool) -> Tests {
    Tests { (value, _, meter) throws(TemplateError) in
      let text = try meter.string(value)
      try meter.touch(text.count)
      return check(text)
    }
  }

  static let all: [String: Tests] = [
    "defined": Tests { (value, _, _) throws(TemplateError) in !value.isUndefined },
    "escaped": Tests { (_, _, _) throws(TemplateError) in false },
    "undefined": type(["Undefined"]),
    "none": type(["NoneType"]),
    "boolean": type(["bool"]),
    "integer": type(["int"]),
    "float": type(["float"]),
    "number": type(["bool", "int", "float"]),
    "string": type(["str"]),
    "mapping": type(["dict"]),
    "sequence": type(["str", "list", "tuple", "dict", "Undefined"]),
    "iterable": type(["str", "list", "tuple", "dict", "Undefined"]),
    "callable": type(["function", "Macro", "LoopContext", "Helper", "Undefined"]),
    "true": Tests { (value, _, _) throws(TemplateError) in if case .bool(true) = value { true } else { false } },
    "false": Tests { (value, _, _) throws(TemplateError) in if case .bool(false) = value { true } else { false } },
    "odd": integer { $0 % 2 != 0 },
    "even": integer { $0 % 2 == 0 },
    "divisibleby": Tests(["num"]) { (value, arguments, meter) throws(TemplateError) in
      try meter.equal(try meter.combine(value, .remainder, try arguments.value("num")), .int(0))
    },
    "lower": text { $0.isAll(\.isLowercase) },
    "upper": text { $0.isAll(\.isUppercase) },
    "sameas": Tests(["other"]) { (value, arguments, meter) throws(TemplateError) in
      let other = try arguments.value("other")
      guard value.typeName == other.typeName else { return false }
      return try meter.equal(value, other)
    },
    "filter": text { Filters.all[$0.string] != nil },
    "test": text { Tests.all[$0.string] != nil },
    "in": comparison(.isIn),
    "eq": comparison(.equal), "equalto": comparison(.equal), "==": comparison(.equal),
    "ne": comparison(.notEqual), "!=": comparison(.notEqual),
    "lt": comparison(.less), "lessthan": comparison(.less), "<": comparison(.less),
    "le": comparison(.lessOrEqual), "<=": comparison(.lessOrEqual),
    "gt": comparison(.greater), "greaterthan": comparison(.greater), ">": comparison(.greater),
    "ge": comparison(.greaterOrEqual), ">=": comparison(.greaterOrEqual),
  ]
}
