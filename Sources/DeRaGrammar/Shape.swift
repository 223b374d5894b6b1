import DeRaJSON

/// The kinds of JSON values. A number is an integer or has a fraction.
struct Kinds: OptionSet, Sendable {
  let rawValue: UInt8
  static let null = Kinds(rawValue: 1)
  static let boolean = Kinds(rawValue: 2)
  static let integer = Kinds(rawValue: 4)
  static let fraction = Kinds(rawValue: 8)
  static let string = Kinds(rawValue: 16)
  static let array = Kinds(rawValue: 32)
  static let object = Kinds(rawValue: 64)
  static let number: Kinds = [.integer, .fraction]
  static let all = Kinds(rawValue: 127)

  static let named: [String: Kinds] = [
    "null": .null, "boolean": .boolean, "integer": .integer, "number": .number, "string": .string, "array": .array,
    "object": .object,
  ]

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init(of value: JSON) {
    switch value {
    case .null: self = .null
    case .bool: self = .boolean
    case .integer: self = .integer
    case .double(let value): self = value.rounded() == value ? .integer : .fraction
    case .string: self = .string
    case .array: self = .array
    case .object: self = .object
    }
  }
}

/// A pattern or format that strings must match.
enum TextRule: Sendable, Equatable {
  case pattern(String)
  case format(String)
}

/// The demands of a schema on a value, its own keywords and those of schemas that apply to the same value put together.
/// Subschemas are lists of locations, all of which apply.
struct Shape: Sendable {
  struct Property: Sendable {
    var name: String
    var schema: [Int]
  }

  /// One of some schemas must hold, with the locations that led there.
  struct Option: Sendable {
    var branches: [Int]
    /// `oneOf`: no two may hold together.
    var isExclusive: Bool
    var origin: Set<Int>
  }

  var kinds = Kinds.all
  var values: [JSON]?
  var minLength = 0
  var maxLength: Int?
  var texts: [TextRule] = []
  var low: Bound?
  var high: Bound?
  var prefix: [[Int]] = []
  var items: [Int] = []
  var minItems = 0
  var maxItems: Int?
  var properties: [Property] = []
  var required: [String] = []
  var additional: [Int] = []
  var minProperties = 0
  var maxProperties: Int?
  var options: [Option] = []

  var limitsContainers: Bool {
    !prefix.isEmpty || !items.isEmpty || minItems > 0 || maxItems != nil || !properties.isEmpty || !required.isEmpty
      || !additional.isEmpty || minProperties > 0 || maxProperties != nil
  }

  /// Whether a property is described, and not only demanded.
  var listsProperties: Bool { properties.contains { !$0.schema.isEmpty } }

  /// The locations that apply to a property's value.
  func schema(of name: String) -> [Int] {
    properties.first { JSON.equal($0.name, name) }?.schema ?? additional
  }

  func schema(at index: Int) -> [Int] { index < prefix.count ? prefix[index] : items }
}

extension Shape {
  /// A shape that demands what both do.
  func merged(with other: Shape) -> Shape {
    var result = self
    result.kinds.formIntersection(other.kinds)
    if let values, let more = other.values {
      result.values = values.filter { value in more.contains { JSON.equal($0, value) } }
    } else {
      result.values = values ?? other.values
    }
    result.minLength = max(minLength, other.minLength)
    result.maxLength = Self.least(maxLength, other.maxLength)
    result.texts += other.texts.filter { !texts.contains($0) }
    if let bound = other.low, low.map({ Self.isTighter(bound, $0, $0.value < bound.value) }) ?? true {
      result.low = bound
    }
    if let bound = other.high, high.map({ Self.isTighter(bound, $0, bound.value < $0.value) }) ?? true {
      result.high = bound
    }
    result.minItems = max(minItems, other.minItems)
    result.maxItems = Self.least(maxItems, other.maxItems)
    result.prefix = (0..<max(prefix.count, other.prefix.count)).map { schema(at: $0) + other.schema(at: $0) }
    result.items = items + other.items
    result.mergeObjects(self, other)
    result.options += other.options
    return result
  }

  private mutating func mergeObjects(_ left: Shape, _ right: Shape) {
    let more = right.properties.filter { property in !left.properties.contains { JSON.equal($0.name, property.name) } }
    properties = (left.properties + more).map { property in
      Property(name: property.name, schema: left.schema(of: property.name) + right.schema(of: property.name))
    }
    required = left.required + right.required.filter { name in !left.required.contains { JSON.equal($0, name) } }
    additional = left.additional + right.additional
    minProperties = max(left.minProperties, right.minProperties)
    maxProperties = Self.least(left.maxProperties, right.maxProperties)
  }

  private static func isTighter(_ new: Bound, _ old: Bound, _ isBeyond: Bool) -> Bool {
    isBeyond || (new.value == old.value && new.isExclusive)
  }

  static func least(_ left: Int?, _ right: Int?) -> Int? {
    left.map { left in right.map { min(left, $0) } ?? left } ?? right
  }
}

extension JSON {
  /// Byte by byte.
  static func equal(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

  /// Equality as JSON Schema has it: 1 is 1.0, and the order of members does not matter.
  static func equal(_ left: JSON, _ right: JSON) -> Bool {
    switch (left, right) {
    case (.string(let left), .string(let right)): equal(left, right)
    case (.array(let left), .array(let right)):
      left.count == right.count && zip(left, right).allSatisfy { equal($0, $1) }
    case (.object(let left), .object(let right)):
      left.count == right.count
        && left.keys.indices.allSatisfy { index in
          right[left.keys[index]].map { equal($0, left.values[index]) } ?? false
        }
    case (.integer(let left), .integer(let right)): left == right
    case (.integer, .double), (.double, .integer), (.double, .double): left.double == right.double
    default: left == right
    }
  }
}
