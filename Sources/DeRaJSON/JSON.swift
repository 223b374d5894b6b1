/// A JSON value, from an untrusted text or to be written.
///
/// Numbers written without fraction or exponent that fit in `Int` stay exact integers. Objects keep the order of the
/// file and compare keys byte by byte: tokenizer vocabularies hold keys that are canonically equivalent as text.
package enum JSON: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  case double(Double)
  case string(String)
  case array([JSON])
  indirect case object(JSONObject)
}

/// The members of a JSON object in file order; keys are unique. A look-up takes constant time.
package struct JSONObject: Sendable, Equatable {
  package private(set) var keys: [String] = []
  package private(set) var values: [JSON] = []
  /// Open-addressing hash table of indices into `keys`, −1 for empty; empty while the object is small.
  private var slots: [Int32] = []
  private static let indexedFrom = 16

  package init() {}

  package var count: Int { keys.count }
  package var isEmpty: Bool { keys.isEmpty }

  package subscript(key: String) -> JSON? {
    find(key).index.map { values[$0] }
  }

  /// Appends a member unless the key is there already.
  /// - Returns: false when the key was there.
  @discardableResult
  package mutating func append(_ key: String, _ value: JSON) -> Bool {
    if keys.count >= Self.indexedFrom && 2 * (keys.count + 1) > slots.count { rebuildIndex() }
    let place = find(key)
    if place.index != nil { return false }
    if let slot = place.freeSlot { slots[slot] = Int32(truncatingIfNeeded: keys.count) }
    keys.append(key)
    values.append(value)
    return true
  }

  private func find(_ key: String) -> (index: Int?, freeSlot: Int?) {
    guard !slots.isEmpty else { return (keys.firstIndex { Self.sameBytes($0, key) }, nil) }
    var slot = startSlot(key)
    while slots[slot] >= 0 {
      let index = Int(slots[slot])
      if Self.sameBytes(keys[index], key) { return (index, nil) }
      slot = (slot + 1) & (slots.count - 1)
    }
    return (nil, slot)
  }

  private mutating func rebuildIndex() {
    slots = Array(repeating: -1, count: max(4 * Self.indexedFrom, 2 * slots.count))
    for (index, key) in keys.enumerated() {
      var slot = startSlot(key)
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(truncatingIfNeeded: index)
    }
  }

  private func startSlot(_ key: String) -> Int {
    var hasher = Hasher()
    var key = key
    key.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    return hasher.finalize() & (slots.count - 1)
  }

  private static func sameBytes(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && left.utf8.elementsEqual(right.utf8)
  }

  package static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.values == right.values && left.keys.elementsEqual(right.keys, by: sameBytes)
  }
}

extension JSON {
  /// A member of an object; nil for a missing key and for values that are not objects.
  package subscript(key: String) -> JSON? { object?[key] }

  package var isNull: Bool { if case .null = self { true } else { false } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
  package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }

  /// An integer, also when written like `1e4` or `2.0`.
  package var int: Int? {
    switch self {
    case .integer(let value): value
    case .double(let value): Int(exactly: value)
    default: nil
    }
  }

  package var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }

  /// The kind of the value and, for short scalars, the value: what error messages quote.
  package var summary: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .double(let value): "\(value)"
    case .string(let value): value.utf8.count <= 60 ? "\"\(value)\"" : "\"\(value.prefix(50))…\""
    case .array(let values): "an array of \(values.count)"
    case .object(let object): "an object of \(object.count)"
    }
  }
}
