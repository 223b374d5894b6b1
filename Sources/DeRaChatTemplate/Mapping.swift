/// A dictionary in insertion order.
struct Mapping {
  struct Entry {
    let key: Value
    var value: Value
  }

  private(set) var entries: [Entry] = []
  private(set) var depth = 1
  private var positions: [MappingKey: Int] = [:]

  /// Sets the value of `key`, which keeps its place when it is already there.
  mutating func set(_ key: Value, _ value: Value, _ meter: Meter) throws(TemplateError) {
    let hashed = try MappingKey(key, meter)
    depth = max(depth, try Value.depth(around: max(key.depth, value.depth), meter))
    if let position = positions[hashed] {
      entries[position].value = value
    } else {
      try meter.allocate(objects: 1)
      positions[hashed] = entries.count
      entries.append(Entry(key: key, value: value))
    }
  }

  func get(_ key: Value, _ meter: Meter) throws(TemplateError) -> Value? {
    positions[try MappingKey(key, meter)].map { entries[$0].value }
  }
}

/// A value as a dictionary key: numbers that are equal are the same key.
enum MappingKey: Hashable {
  case none
  case undefined
  case int(Int)
  case double(Double)
  case string(Text)
  case tuple([MappingKey])

  /// - Throws: when the value cannot be a key, as lists and dictionaries cannot.
  init(_ value: Value, _ meter: Meter) throws(TemplateError) {
    switch value {
    case .none: self = .none
    case .undefined: self = .undefined
    case .bool(let value): self = .int(value ? 1 : 0)
    case .int(let value): self = .int(value)
    case .double(let value): self = Int(exactly: value).map(MappingKey.int) ?? .double(value)
    case .string(let text):
      try meter.touch(text.count)
      self = .string(text)
    case .tuple(let items):
      try meter.allocate(objects: 1 + items.values.count)
      var keys: [MappingKey] = []
      for item in items.values { keys.append(try MappingKey(item, meter)) }
      self = .tuple(keys)
    default: throw meter.error(.value, "unhashable type: '\(value.typeName)'")
    }
  }
}
