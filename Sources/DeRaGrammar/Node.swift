/// A grammar over bytes as a tree; recursion goes through rules.
indirect enum Node: Sendable {
  /// No text at all, not even the empty one.
  case nothing
  case bytes([UInt8])
  /// One byte.
  case range(ClosedRange<UInt8>)
  /// One Unicode scalar of these, in UTF-8; ascending and not touching.
  case scalars([ClosedRange<UInt32>])
  /// One of many texts.
  case literals([[UInt8]])
  case sequence([Node])
  case choice([Node])
  /// The body must not match the empty text.
  case repeated(Node, min: Int, max: Int?)
  /// A rule by its index.
  case rule(Int)
  case object(ObjectNode)

  static let empty = Node.sequence([])
  static let digit = Node.range(UInt8(ascii: "0")...UInt8(ascii: "9"))
  /// One space or none: the only white space that answers have.
  static let space = Node.choice([.empty, .bytes([0x20])])

  static func text(_ text: String) -> Node { .bytes(Array(text.utf8)) }
  static func optional(_ node: Node) -> Node { .choice([.empty, node]) }
}

/// An object whose properties come in a fixed order, then others.
struct ObjectNode: Sendable {
  struct Property: Sendable {
    var name: String
    /// The rule of the value.
    var value: Int
    var isRequired: Bool
  }

  var properties: [Property]
  /// The rule of other properties' values; nil where there may be none.
  var additional: Int?
  var minCount: Int
  var maxCount: Int?
}

extension Node {
  /// Whether the empty text matches. Rules and objects never do.
  var isNullable: Bool {
    switch self {
    case .nothing, .range, .scalars, .rule, .object: false
    case .bytes(let bytes): bytes.isEmpty
    case .literals(let texts): texts.contains { $0.isEmpty }
    case .sequence(let nodes): nodes.allSatisfy(\.isNullable)
    case .choice(let nodes): nodes.contains(where: \.isNullable)
    case .repeated(_, let min, _): min == 0
    }
  }

  /// The same texts without the empty one.
  var withoutEmpty: Node {
    guard isNullable else { return self }
    switch self {
    case .literals(let texts): return .literals(texts.filter { !$0.isEmpty })
    case .choice(let nodes): return .choice(nodes.map(\.withoutEmpty))
    case .repeated(let body, _, let max): return max == 0 ? .nothing : .repeated(body, min: 1, max: max)
    case .sequence(let nodes):
      // Every part may be empty: the first that is not decides.
      return .choice(nodes.indices.map { .sequence([nodes[$0].withoutEmpty] + nodes[($0 + 1)...]) })
    default: return .nothing
    }
  }

  /// A repetition of any body.
  static func repetition(_ body: Node, min: Int, max: Int?) -> Node {
    if max == 0 { return .empty }
    if min == 1 && max == 1 { return body }
    if case .nothing = body { return min == 0 ? .empty : .nothing }
    return body.isNullable
      ? .repeated(body.withoutEmpty, min: 0, max: max) : .repeated(body, min: min, max: max)
  }

  /// Shortest and longest text in Unicode scalars, of a tree without rules; nil where there is no longest.
  var lengths: (min: Int, max: Int?) {
    switch self {
    case .nothing, .rule, .object: (0, 0)
    case .bytes(let bytes): (bytes.count, bytes.count)
    case .range, .scalars: (1, 1)
    case .literals(let texts): (texts.map(\.count).min() ?? 0, texts.map(\.count).max() ?? 0)
    case .sequence(let nodes):
      nodes.map(\.lengths).reduce((0, 0)) { (Self.sum($0.0, $1.min), Self.sum($0.1, $1.max)) }
    case .choice(let nodes):
      (
        nodes.map(\.lengths.min).min() ?? 0,
        nodes.map(\.lengths.max).reduce(0) { left, right in left.flatMap { left in right.map { max(left, $0) } } }
      )
    case .repeated(let body, let min, let max):
      (Self.product(body.lengths.min, min), max.flatMap { max in body.lengths.max.map { Self.product($0, max) } })
    }
  }

  private static func sum(_ left: Int, _ right: Int) -> Int { min(left, 1 << 40) + min(right, 1 << 40) }
  private static func sum(_ left: Int?, _ right: Int?) -> Int? {
    left.flatMap { left in right.map { sum(left, $0) } }
  }
  private static func product(_ left: Int, _ right: Int) -> Int {
    let (value, overflow) = left.multipliedReportingOverflow(by: right)
    return overflow ? 1 << 40 : min(value, 1 << 40)
  }
}
