import DeRaJSON

/// Turns a JSON Schema into rules, one for each set of subschemas that apply to one value.
struct SchemaCompiler {
  private var reader: SchemaReader
  private(set) var rules: [Rule]
  private var ruleOf: [[Int]: Int] = [:]
  private var pending: [(rule: Int, schema: [Int])] = []
  private var character: Int?
  private let closesObjects: Bool

  /// - Parameter rules: there already; new ones are appended.
  private init(_ schema: JSON, rules: [Rule], closesObjects: Bool) {
    self.closesObjects = closesObjects
    reader = SchemaReader(schema)
    self.rules = rules
  }

  /// Appends the rules of a schema.
  /// - Parameter closesObjects: as `Grammar` has it.
  /// - Returns: the index of the rule for the whole.
  /// - Throws: `GrammarError`.
  static func compile(
    _ schema: JSON, into rules: inout [Rule], closesObjects: Bool = false
  ) throws(GrammarError) -> Int {
    var compiler = SchemaCompiler(schema, rules: rules, closesObjects: closesObjects)
    let root = try compiler.rule(for: [compiler.reader.location("#", schema)])
    while let next = compiler.pending.popLast() {
      compiler.rules[next.rule].node = try compiler.node(for: next.schema)
    }
    rules = compiler.rules
    return root
  }

  private mutating func rule(for schema: [Int]) throws(GrammarError) -> Int {
    let key = Set(schema).sorted()
    if let rule = ruleOf[key] { return rule }
    let rule = try add(.nothing)
    ruleOf[key] = rule
    pending.append((rule, key))
    return rule
  }

  private mutating func add(_ node: Node, isContainer: Bool = false) throws(GrammarError) -> Int {
    guard rules.count < GrammarLimits.rules else { throw .tooLarge(what: "rules", limit: GrammarLimits.rules) }
    rules.append(Rule(node: node, isContainer: isContainer))
    return rules.count - 1
  }

  private mutating func node(for schema: [Int]) throws(GrammarError) -> Node {
    let path = schema.first.map { reader.locations[$0].path } ?? "#"
    var shape = Shape()
    for location in schema { try fold(location, into: &shape, from: []) }
    var nodes: [Node] = []
    for shape in try alternatives(of: shape, path) { nodes.append(try node(for: shape, path)) }
    return .choice(nodes)
  }

  /// Adds a schema and all that it refers to.
  /// - Parameter origin: locations on the way here.
  private mutating func fold(_ location: Int, into shape: inout Shape, from origin: Set<Int>) throws(GrammarError) {
    guard !origin.contains(location) else { throw .selfReference(path: reader.locations[location].path) }
    var reading = try reader.read(location)
    let origin = origin.union([location])
    for index in reading.shape.options.indices { reading.shape.options[index].origin = origin }
    shape = shape.merged(with: reading.shape)
    for also in reading.also { try fold(also, into: &shape, from: origin) }
  }

  /// `anyOf` and `oneOf` multiplied out.
  private mutating func alternatives(of shape: Shape, _ path: String) throws(GrammarError) -> [Shape] {
    var shape = shape
    guard let option = shape.options.popLast() else { return [shape] }
    var groups: [[Shape]] = []
    for branch in option.branches {
      var own = shape
      try fold(branch, into: &own, from: option.origin)
      groups.append(try alternatives(of: own, path))
      guard groups.map(\.count).reduce(0, +) <= GrammarLimits.alternatives else {
        throw .tooLarge(what: "alternatives at \(path)", limit: GrammarLimits.alternatives)
      }
    }
    if option.isExclusive {
      for left in groups.indices {
        for right in groups.indices.dropFirst(left + 1) {
          for one in groups[left] {
            for other in groups[right] where !(try areDisjoint(one, other)) {
              throw .unsupported(
                keyword: "oneOf", path: path,
                reason:
                  "schemas \(left) and \(right) may both hold; use anyOf, or give them different types or constants")
            }
          }
        }
      }
    }
    return groups.flatMap { $0 }
  }
}

extension SchemaCompiler {
  /// Whether no value satisfies both shapes, as far as can be seen; false when in doubt.
  private mutating func areDisjoint(_ one: Shape, _ other: Shape) throws(GrammarError) -> Bool {
    if let left = one.values, let right = other.values {
      return !left.contains { value in right.contains { JSON.equal($0, value) } }
    }
    if let values = one.values ?? other.values {
      let shape = one.values == nil ? one : other
      return values.allSatisfy { shape.kinds.isDisjoint(with: Kinds(of: $0)) || Self.isRefused($0, by: shape) }
    }
    let common = one.kinds.intersection(other.kinds)
    if !common.isDisjoint(with: [.null, .boolean]) { return false }
    if !common.isDisjoint(with: .number), !Self.areApart(one.low, other.high), !Self.areApart(other.low, one.high) {
      return false
    }
    if common.contains(.string), one.minLength <= other.maxLength ?? .max, other.minLength <= one.maxLength ?? .max {
      return false
    }
    if common.contains(.array), one.minItems <= other.maxItems ?? .max, other.minItems <= one.maxItems ?? .max {
      return false
    }
    guard common.contains(.object) else { return true }
    for name in one.required + other.required {
      var left = Shape()
      var right = Shape()
      for location in one.schema(of: name) { try fold(location, into: &left, from: []) }
      for location in other.schema(of: name) { try fold(location, into: &right, from: []) }
      left.options = []
      right.options = []
      // One step is enough: a discriminator is a constant.
      left.required = []
      right.required = []
      if try areDisjoint(left, right) { return true }
    }
    return false
  }

  private static func areApart(_ low: Bound?, _ high: Bound?) -> Bool {
    guard let low, let high else { return false }
    return high.value < low.value || (high.value == low.value && (high.isExclusive || low.isExclusive))
  }

  /// Whether a single value breaks a bound of the shape for its kind.
  private static func isRefused(_ value: JSON, by shape: Shape) -> Bool {
    if let string = value.string {
      let count = string.unicodeScalars.count
      return count < shape.minLength || count > shape.maxLength ?? .max
    }
    guard let number = Decimal(value) else { return false }
    if let low = shape.low, number < low.value || (number == low.value && low.isExclusive) { return true }
    guard let high = shape.high else { return false }
    return high.value < number || (number == high.value && high.isExclusive)
  }
}

extension SchemaCompiler {
  private mutating func node(for shape: Shape, _ path: String) throws(GrammarError) -> Node {
    if let values = shape.values { return try constants(values, shape, path) }
    var nodes: [Node] = []
    if shape.kinds.contains(.null) { nodes.append(.text("null")) }
    if shape.kinds.contains(.boolean) { nodes.append(.literals([Array("true".utf8), Array("false".utf8)])) }
    if shape.kinds.contains(.integer) {
      nodes.append(NumberNodes.numbers(from: shape.low, to: shape.high, isWhole: !shape.kinds.contains(.fraction)))
    }
    if shape.kinds.contains(.string) { nodes.append(try string(shape, path)) }
    if shape.kinds.contains(.array) {
      let array = try self.array(shape)
      nodes.append(.rule(try add(array, isContainer: true)))
    }
    if shape.kinds.contains(.object) {
      let object = try self.object(shape, path)
      nodes.append(.rule(try add(object, isContainer: true)))
    }
    return .choice(nodes)
  }

  /// The constants that the other keywords allow.
  private func constants(_ values: [JSON], _ shape: Shape, _ path: String) throws(GrammarError) -> Node {
    let kept = values.filter { shape.kinds.isSuperset(of: Kinds(of: $0)) && !Self.isRefused($0, by: shape) }
    if !shape.texts.isEmpty, kept.contains(where: { $0.string != nil }) {
      throw .unsupported(keyword: "enum", path: path, reason: "beside 'pattern' or 'format'")
    }
    if shape.limitsContainers, kept.contains(where: { !JSONNodes.isScalar($0) }) {
      throw .unsupported(keyword: "enum", path: path, reason: "arrays and objects beside keywords for their contents")
    }
    return JSONNodes.constants(kept)
  }

  private mutating func string(_ shape: Shape, _ path: String) throws(GrammarError) -> Node {
    let quote = Node.bytes([JSONNodes.quote])
    guard let text = shape.texts.first else {
      if character == nil { character = try add(JSONNodes.anyCharacter) }
      let characters = character.map { Node.repetition(.rule($0), min: shape.minLength, max: shape.maxLength) }
      return .sequence([quote, characters ?? .nothing, quote])
    }
    guard shape.texts.count == 1 else {
      throw .unsupported(keyword: "pattern", path: path, reason: "beside another pattern or a format")
    }
    let node =
      switch text {
      case .pattern(let pattern): try RegexParser.search(pattern)
      case .format(let name): try RegexParser.search(Formats.patterns[name] ?? "")
      }
    let lengths = node.lengths
    guard lengths.min >= shape.minLength, shape.maxLength.map({ lengths.max ?? .max <= $0 }) ?? true else {
      throw .unsupported(
        keyword: shape.minLength > lengths.min ? "minLength" : "maxLength", path: path,
        reason: "beside a pattern or format that allows other lengths; say the length in the pattern, as {1,20}")
    }
    return .sequence([quote, JSONNodes.spelled(node), quote])
  }

  private mutating func array(_ shape: Shape) throws(GrammarError) -> Node {
    let most = shape.maxItems ?? .max
    let items = Node.rule(try rule(for: shape.items))
    let comma = Node.sequence([.text(","), .space])
    let fixed = min(shape.prefix.count, most)
    func further(after count: Int) -> Node {
      .repetition(
        .sequence([comma, items]), min: max(0, shape.minItems - count), max: shape.maxItems.map { $0 - count })
    }
    var rest = further(after: fixed)
    if fixed == 0 {
      let some = most == 0 ? Node.nothing : .sequence([items, further(after: 1)])
      rest = shape.minItems == 0 ? .optional(some) : some
    }
    for index in (0..<fixed).reversed() {
      let item = Node.sequence([index > 0 ? comma : .empty, .rule(try rule(for: shape.prefix[index])), rest])
      rest = index >= shape.minItems ? .optional(item) : item
    }
    return .sequence([.text("["), rest, .text("]")])
  }

  private mutating func object(_ shape: Shape, _ path: String) throws(GrammarError) -> Node {
    var properties: [ObjectNode.Property] = []
    for property in shape.properties {
      let isRequired = shape.required.contains { JSON.equal($0, property.name) }
      properties.append(.init(name: property.name, value: try rule(for: property.schema), isRequired: isRequired))
    }
    let isClosed =
      shape.additional.contains { reader.locations[$0].schema == .bool(false) }
      || closesObjects && shape.listsProperties && shape.additional.isEmpty
        && shape.minProperties <= properties.count
    // Other names may come twice, which counts once.
    if !isClosed, shape.minProperties > shape.required.count + 1 {
      throw .unsupported(
        keyword: "minProperties", path: path, reason: "beyond what is required, unless 'additionalProperties' is false")
    }
    return .object(
      ObjectNode(
        properties: properties, additional: isClosed ? nil : try rule(for: shape.additional),
        minCount: shape.minProperties, maxCount: shape.maxProperties))
  }
}
