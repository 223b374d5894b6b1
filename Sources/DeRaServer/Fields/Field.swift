import DeRaJSON

/// A field of a request's body: how it is read, what is said when it cannot be, and its JSON Schema.
package struct Field<Value>: Sendable {
  package let name: String
  /// The words after "must be" in messages.
  let expected: String
  let schema: JSON
  /// nil for a value of the wrong type or range.
  let read: @Sendable (JSON) -> Value?

  package var description: FieldDescription { FieldDescription(name: name, schema: schema) }
}

/// A field's name and schema, for documents.
package struct FieldDescription: Sendable {
  var name: String
  var schema: JSON
  var isRequired = false

  /// The same, for a field that must be there.
  var required: FieldDescription {
    var copy = self
    copy.isRequired = true
    return copy
  }
}

/// The members of a body that are asked for by fields. Null counts as absent; what nobody asks for is ignored.
struct Fields: Sendable {
  let object: JSONObject
  /// Put before names in messages, for objects inside the body.
  var prefix = ""

  /// - Throws: an error that names the field.
  func callAsFunction<Value>(_ field: Field<Value>) throws(APIError) -> Value? {
    guard let json = json(field.name) else { return nil }
    guard let value = field.read(json) else {
      throw .invalid(
        "'\(prefix)\(field.name)' must be \(field.expected), not \(json.summary)", param: prefix + field.name)
    }
    return value
  }

  /// The member as it is; nil for null.
  func json(_ name: String) -> JSON? {
    guard let value = object[name], !value.isNull else { return nil }
    return value
  }

  /// The fields of an object inside the body.
  func inside(_ name: String) throws(APIError) -> Fields {
    guard let json = json(name) else { return Fields(object: JSONObject()) }
    guard let object = json.object else {
      throw .invalid("'\(prefix)\(name)' must be an object, not \(json.summary)", param: prefix + name)
    }
    return Fields(object: object, prefix: "\(prefix)\(name).")
  }
}

extension Field where Value == Float {
  /// A number of a closed range.
  static func number(_ name: String, _ range: ClosedRange<Double>, exclusiveMinimum: Bool = false) -> Field {
    let bounded = range.upperBound < Double(Float.greatestFiniteMagnitude)
    let low = exclusiveMinimum ? "above \(short(range.lowerBound))" : "from \(short(range.lowerBound))"
    let least: JSON = .double(range.lowerBound)
    var schema: [(String, JSON)] = [("type", ["number", "null"])]
    if range.lowerBound > -Double(Float.greatestFiniteMagnitude) {
      schema.append((exclusiveMinimum ? "exclusiveMinimum" : "minimum", least))
    }
    if bounded { schema.append(("maximum", .double(range.upperBound))) }
    let expected =
      bounded
      ? "a number \(low) to \(short(range.upperBound))"
      : range.lowerBound > -Double(Float.greatestFiniteMagnitude)
        ? exclusiveMinimum ? "a number \(low)" : "a number of at least \(short(range.lowerBound))" : "a finite number"
    return Field(name: name, expected: expected, schema: JSON(schema)) { json in
      // A number that is too small for a float is zero.
      guard let value = json.double, range.contains(value) else { return nil }
      let float = Float(value)
      return exclusiveMinimum && Double(float) <= range.lowerBound ? nil : float
    }
  }

  private static func short(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? "\(value)" }
}

extension ClosedRange<Double> {
  /// Every number that a `Float` holds.
  static var finite: ClosedRange { from(-Double(Float.greatestFiniteMagnitude)) }
  static func from(_ low: Double) -> ClosedRange { low...Double(Float.greatestFiniteMagnitude) }
}

extension Field where Value == Int {
  static func integer(_ name: String, _ range: ClosedRange<Int>) -> Field {
    var schema: [(String, JSON)] = [("type", ["integer", "null"])]
    if range.lowerBound > .min { schema.append(("minimum", .integer(range.lowerBound))) }
    if range.upperBound < .max { schema.append(("maximum", .integer(range.upperBound))) }
    let expected =
      range.lowerBound == .min
      ? "an integer"
      : range.upperBound == .max
        ? "an integer of at least \(range.lowerBound)" : "an integer from \(range.lowerBound) to \(range.upperBound)"
    return Field(name: name, expected: expected, schema: JSON(schema)) { json in
      json.int.flatMap { range.contains($0) ? $0 : nil }
    }
  }
}

extension Field where Value == Bool {
  static func flag(_ name: String) -> Field {
    Field(name: name, expected: "true or false", schema: ["type": ["boolean", "null"]]) { $0.bool }
  }
}

extension Field where Value == String {
  static func text(_ name: String) -> Field {
    Field(name: name, expected: "a string", schema: ["type": ["string", "null"]]) { $0.string }
  }
}

extension Field where Value == [JSON] {
  static func list(_ name: String, of elements: JSON = JSON([])) -> Field {
    Field(name: name, expected: "a list", schema: ["type": ["array", "null"], "items": elements]) { $0.array }
  }
}

extension Field where Value == JSON {
  /// A field of several forms, which is read further.
  static func any(_ name: String, _ schema: JSON) -> Field {
    Field(name: name, expected: "", schema: schema) { $0 }
  }
}
