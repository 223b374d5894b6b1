import DeRaJSON

/// The schemas of one document by their places in it.
struct SchemaReader {
  struct Location {
    /// A JSON pointer as a fragment: `#/properties/a`.
    var path: String
    var schema: JSON
  }

  /// A schema's own keywords, and the schemas that apply to the same value.
  struct Reading {
    var shape = Shape()
    var also: [Int] = []
  }

  private let root: JSON
  private(set) var locations: [Location] = []
  private var indices: [String: Int] = [:]
  private var readings = 0

  /// Keywords that say nothing about which values are valid.
  private static let annotations: Set<String> = [
    "$id", "$comment", "$defs", "$anchor", "definitions", "title", "description", "default", "examples",
    "deprecated", "readOnly", "writeOnly",
  ]

  init(_ root: JSON) { self.root = root }

  mutating func location(_ path: String, _ schema: JSON) -> Int {
    if let index = indices[path] { return index }
    locations.append(Location(path: path, schema: schema))
    indices[path] = locations.count - 1
    return locations.count - 1
  }

  private mutating func child(_ parent: Int, _ keys: String..., schema: JSON) -> Int {
    let path = keys.reduce(locations[parent].path) { $0 + "/" + Self.escaped($1) }
    return location(path, schema)
  }

  private static func escaped(_ key: String) -> String {
    String(key.flatMap { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) })
  }

  /// - Throws: `GrammarError` for what is not understood.
  mutating func read(_ index: Int) throws(GrammarError) -> Reading {
    readings += 1
    guard readings <= GrammarLimits.readings else {
      throw .tooLarge(what: "readings of subschemas", limit: GrammarLimits.readings)
    }
    var reading = Reading()
    switch locations[index].schema {
    case .bool(let allows): if !allows { reading.shape.kinds = [] }
    case .object(let members):
      for (key, value) in zip(members.keys, members.values) {
        let keyword = Keyword(name: key, value: value, path: locations[index].path)
        if Self.annotations.contains(key) { continue }
        if try readValue(keyword, &reading.shape) { continue }
        if try readContainer(keyword, index, &reading.shape) { continue }
        guard try readCombination(keyword, index, &reading) else { throw keyword.unsupported("") }
      }
      reading.shape.completeRequired()
    default:
      throw Keyword(name: "schema", value: .null, path: locations[index].path).malformed("an object or a boolean")
    }
    return reading
  }

  /// Keywords for single values.
  private func readValue(_ keyword: Keyword, _ shape: inout Shape) throws(GrammarError) -> Bool {
    switch keyword.name {
    case "type": shape.kinds.formIntersection(try keyword.kinds())
    case "const": shape.restrict(to: [keyword.value])
    case "enum": shape.restrict(to: try keyword.array())
    case "minLength": shape.minLength = try keyword.count()
    case "maxLength": shape.maxLength = try keyword.count()
    case "pattern": shape.texts.append(.pattern(try keyword.string()))
    case "format": shape.texts.append(.format(try keyword.format()))
    case "minimum": shape = shape.merged(with: Shape(low: try keyword.bound(isExclusive: false)))
    case "exclusiveMinimum": shape = shape.merged(with: Shape(low: try keyword.bound(isExclusive: true)))
    case "maximum": shape = shape.merged(with: Shape(high: try keyword.bound(isExclusive: false)))
    case "exclusiveMaximum": shape = shape.merged(with: Shape(high: try keyword.bound(isExclusive: true)))
    case "uniqueItems": if keyword.value != .bool(false) { throw keyword.unsupported("") }
    default: return false
    }
    return true
  }

  /// Keywords for arrays and objects.
  private mutating func readContainer(
    _ keyword: Keyword, _ index: Int, _ shape: inout Shape
  ) throws(GrammarError) -> Bool {
    switch keyword.name {
    case "prefixItems":
      let schemas = try keyword.array()
      guard schemas.count <= GrammarLimits.alternatives else {
        throw .tooLarge(what: "prefixItems", limit: GrammarLimits.alternatives)
      }
      shape.prefix = schemas.enumerated().map { [child(index, keyword.name, "\($0.offset)", schema: $0.element)] }
    case "items":
      if keyword.value.array != nil { throw keyword.unsupported("a list of schemas is 'prefixItems'") }
      shape.items = [child(index, keyword.name, schema: keyword.value)]
    case "minItems": shape.minItems = try keyword.count()
    case "maxItems": shape.maxItems = try keyword.count()
    case "properties":
      let members = try keyword.object()
      shape.properties = zip(members.keys, members.values).map { name, schema in
        .init(name: name, schema: [child(index, keyword.name, name, schema: schema)])
      }
    case "required": shape.required = try keyword.strings()
    case "additionalProperties": shape.additional = [child(index, keyword.name, schema: keyword.value)]
    case "minProperties": shape.minProperties = try keyword.count()
    case "maxProperties": shape.maxProperties = try keyword.count()
    default: return false
    }
    return true
  }

  private mutating func readCombination(
    _ keyword: Keyword, _ index: Int, _ reading: inout Reading
  ) throws(GrammarError) -> Bool {
    func branches(_ reader: inout SchemaReader) throws(GrammarError) -> [Int] {
      let schemas = try keyword.array()
      guard !schemas.isEmpty else { throw keyword.malformed("an array with at least one schema") }
      return schemas.enumerated().map { reader.child(index, keyword.name, "\($0.offset)", schema: $0.element) }
    }
    switch keyword.name {
    case "$schema":
      guard try keyword.string().contains("//json-schema.org/") else {
        throw keyword.unsupported("a dialect of its own: its keywords may mean something else")
      }
    case "$ref": reading.also.append(try target(of: try keyword.string(), keyword))
    case "allOf": reading.also += try branches(&self)
    case "anyOf", "oneOf":
      let isExclusive = keyword.name == "oneOf"
      reading.shape.options.append(.init(branches: try branches(&self), isExclusive: isExclusive, origin: []))
    default: return false
    }
    return true
  }

  /// The schema that a reference within the document names.
  private mutating func target(of reference: String, _ keyword: Keyword) throws(GrammarError) -> Int {
    let missing = GrammarError.unresolved(reference: String(reference.prefix(100)), path: keyword.path)
    guard reference.hasPrefix("#") else {
      throw keyword.unsupported("only references within the document, which begin with '#'")
    }
    guard reference == "#" || reference.hasPrefix("#/") else { throw keyword.unsupported("anchors") }
    var schema = root
    var path = "#"
    let pointer = Self.unescapedPercent(reference).split(separator: "/", omittingEmptySubsequences: false)
    for part in pointer.dropFirst() {
      let key = Self.unescaped(part)
      let element = schema.array.flatMap { values in
        Int(key).flatMap { values.indices.contains($0) ? values[$0] : nil }
      }
      guard let next = element ?? schema[key] else { throw missing }
      schema = next
      path += "/" + Self.escaped(key)
    }
    return location(path, schema)
  }

  /// A part of a JSON pointer: `~1` is a slash, `~0` a tilde.
  private static func unescaped(_ part: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(part.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "~"), let next = rest.first, next == UInt8(ascii: "0") || next == UInt8(ascii: "1") {
        bytes.append(next == UInt8(ascii: "0") ? UInt8(ascii: "~") : UInt8(ascii: "/"))
        rest.removeFirst()
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func unescapedPercent(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
