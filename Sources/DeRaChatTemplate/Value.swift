/// A value while a template runs. Namespaces and macros are handles into the interpreter, and a loop holds what it goes
/// through, which is older, and what `loop.changed` was asked about, which has no loop in it. So no cycle of references
/// can arise and everything is released with the interpreter.
enum Value {
  /// Why there is no value, for the error raised when one is needed.
  case undefined(String)
  case none
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(Text)
  case list(Items)
  case tuple(Items)
  indirect case mapping(Mapping)
  case namespace(Int)
  case macro(Int)
  case loop(LoopState)
  /// A value that `joiner` or `cycler` made.
  case helper(Int)
  /// A global function, by name.
  case function(String)
  /// A method of a value, by name.
  indirect case method(Value, String)
}

/// The elements of a list or tuple.
struct Items {
  let values: [Value]
  /// Lists and dictionaries inside one another, this one included.
  let depth: Int

  init(_ values: [Value], _ meter: Meter) throws(TemplateError) {
    try meter.allocate(elements: values.count)
    self.values = values
    depth = try Value.depth(around: values.lazy.map(\.depth).max() ?? 0, meter)
  }
}

extension Value {
  /// Lists and dictionaries inside one another, with a loop counting as what it goes through; 0 for anything else.
  var depth: Int {
    switch self {
    case .list(let items), .tuple(let items): items.depth
    case .mapping(let mapping): mapping.depth
    case .method(let receiver, _): receiver.depth
    case .loop(let state): state.depth
    default: 0
    }
  }

  /// The depth of a container around values of depth `inner`, which is bounded because releasing, printing and
  /// comparing values recurse.
  static func depth(around inner: Int, _ meter: Meter) throws(TemplateError) -> Int {
    let limit = meter.limits.valueDepth
    if inner >= limit { throw meter.exceeded(.valueDepth, limit, "lists and dictionaries inside one another") }
    return inner + 1
  }

  static func text(_ string: String) -> Value { .string(Text(string)) }

  static func list(_ values: [Value], _ meter: Meter) throws(TemplateError) -> Value {
    .list(try Items(values, meter))
  }

  static func tuple(_ values: [Value], _ meter: Meter) throws(TemplateError) -> Value {
    .tuple(try Items(values, meter))
  }

  /// - Parameter isContent: its texts come from the conversation.
  init(
    _ value: TemplateValue, _ meter: Meter, depth: Int = 0, isContent: Bool = false
  ) throws(TemplateError) {
    if depth > meter.limits.valueDepth { _ = try Value.depth(around: depth, meter) }
    switch value {
    case .none: self = .none
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(value)
    case .double(let value): self = .double(value)
    case .string(let value): self = .string(isContent ? Text(content: value) : Text(value))
    case .array(let elements):
      var values: [Value] = []
      for element in elements { values.append(try Value(element, meter, depth: depth + 1, isContent: isContent)) }
      self = try .list(values, meter)
    case .dictionary(let dictionary):
      var mapping = Mapping()
      for (key, value) in dictionary.entries {
        let isContent = isContent && !(key == "role" && value.isPlainName)
        try mapping.set(
          .string(isContent ? Text(content: key) : Text(key)),
          try Value(value, meter, depth: depth + 1, isContent: isContent), meter)
      }
      self = .mapping(mapping)
    }
  }

  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .int(let value): value != 0
    case .double(let value): value != 0
    case .string(let text): !text.isEmpty
    case .list(let items), .tuple(let items): !items.values.isEmpty
    case .mapping(let mapping): !mapping.entries.isEmpty
    case .namespace, .macro, .loop, .helper, .function, .method: true
    }
  }

  /// Characters, elements or entries.
  var count: Int {
    switch self {
    case .string(let text): text.count
    case .list(let items), .tuple(let items): items.values.count
    case .mapping(let mapping): mapping.entries.count
    default: 0
    }
  }

  var isUndefined: Bool {
    if case .undefined = self { true } else { false }
  }

  /// Python's name of the type, for messages.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .int: "int"
    case .double: "float"
    case .string: "str"
    case .list: "list"
    case .tuple: "tuple"
    case .mapping: "dict"
    case .namespace: "Namespace"
    case .macro: "Macro"
    case .loop: "LoopContext"
    case .helper: "Helper"
    case .function, .method: "function"
    }
  }
}

extension TemplateValue {
  /// Templates make special tokens of roles (`<|user|>`); a role of letters and digits cannot smuggle in others.
  fileprivate var isPlainName: Bool {
    guard case .string(let name) = self else { return false }
    return name.unicodeScalars.allSatisfy {
      $0 == "_" || $0 == "-" || ($0.isASCII && $0.properties.isAlphabetic) || ("0"..."9").contains($0)
    }
  }
}

extension Meter {
  /// The elements a `for` goes through.
  func elements(of value: Value) throws(TemplateError) -> [Value] {
    switch value {
    case .undefined: return []
    case .list(let items), .tuple(let items): return items.values
    case .mapping(let mapping):
      try allocate(elements: mapping.entries.count)
      return mapping.entries.map(\.key)
    case .string(let text):
      try allocate(objects: text.count)
      return text.map { .string([$0]) }
    default: throw error(.value, "'\(value.typeName)' object is not iterable")
    }
  }

  /// An error when `value` is undefined.
  func require(_ value: Value) throws(TemplateError) {
    if case .undefined(let reason) = value { throw error(.undefined, reason) }
  }
}
