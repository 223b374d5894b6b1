import DeRaJSON

/// The spelling of JSON in answers. A string has one canonical spelling: only quotes, backslashes and control characters
/// are escaped, by their letter or as `\u00xx` in lower case.
enum JSONNodes {
  static let quote = UInt8(ascii: "\"")
  static let backslash = UInt8(ascii: "\\")
  /// Scalars that are spelled by an escape.
  static let escaped: ScalarSet.Ranges = [0...0x1f, 0x22...0x22, 0x5c...0x5c]
  static let plain = ScalarSet.complement(escaped)

  /// One character in any spelling that JSON knows.
  static let anyCharacter: Node = {
    let hex = Node.choice([.digit, range("a", "f"), range("A", "F")])
    // \uD800–\uDBFF must be followed by \uDC00–\uDFFF; neither stands alone.
    let surrogate = Node.choice([.text("d"), .text("D")])
    let lead = Node.sequence([surrogate, .choice([range("8", "9"), range("a", "b"), range("A", "B")]), hex, hex])
    let trail = Node.sequence([surrogate, .choice([range("c", "f"), range("C", "F")]), hex, hex])
    let other = Node.choice([
      .sequence([.choice([.digit, range("a", "c"), range("A", "C"), range("e", "f"), range("E", "F")]), hex, hex, hex]),
      .sequence([surrogate, range("0", "7"), hex, hex]),
    ])
    let escapes = Node.choice([
      .choice("\"\\/bfnrt".utf8.map { .bytes([$0]) }),
      .sequence([.text("u"), .choice([other, .sequence([lead, .text(#"\u"#), trail])])]),
    ])
    return .choice([.scalars(plain), .sequence([.bytes([backslash]), escapes])])
  }()

  /// One character that is not ASCII; the same in every spelling.
  static let nonASCII = Node.scalars([0x80...0x10ffff])
  /// One character that must be escaped, in its canonical spelling.
  static let canonicalEscape = Node.literals(escaped.flatMap { $0.map(spelling) })
  static let canonicalCharacter = Node.choice([.scalars(plain), canonicalEscape])

  private static func range(_ low: Unicode.Scalar, _ high: Unicode.Scalar) -> Node {
    .range(UInt8(ascii: low)...UInt8(ascii: high))
  }

  /// The canonical spelling of a character within a string.
  static func spelling(_ scalar: UInt32) -> [UInt8] {
    guard let scalar = Unicode.Scalar(scalar) else { return [] }
    var bytes: [UInt8] = []
    JSON.write(String(Character(scalar)), to: &bytes)
    return Array(bytes.dropFirst().dropLast())
  }

  /// A node over characters as it is spelled within a JSON string.
  static func spelled(_ node: Node) -> Node {
    switch node {
    case .scalars(let ranges):
      let escapes = escaped.flatMap { $0 }.filter { ScalarSet.contains($0, ranges) }
      let rest = ScalarSet.subtract(escaped, from: ranges)
      return .choice(
        (rest.isEmpty ? [] : [.scalars(rest)]) + (escapes.isEmpty ? [] : [.literals(escapes.map(spelling))]))
    case .sequence(let nodes): return .sequence(nodes.map(spelled))
    case .choice(let nodes): return .choice(nodes.map(spelled))
    case .repeated(let body, let min, let max): return .repeated(spelled(body), min: min, max: max)
    default: return node
    }
  }

  /// A value as it stands; members in their order.
  static func constant(_ value: JSON) -> Node {
    switch value {
    case .array(let values):
      let items = values.enumerated().map { index, value in
        Node.sequence((index > 0 ? [.text(","), .space] : []) + [constant(value)])
      }
      return .sequence([.text("[")] + items + [.text("]")])
    case .object(let object):
      let members = object.keys.indices.map { index in
        Node.sequence(
          (index > 0 ? [.text(","), .space] : [])
            + [constant(.string(object.keys[index])), .text(":"), .space, constant(object.values[index])])
      }
      return .sequence([.text("{")] + members + [.text("}")])
    default: return .text(spelling(value))
    }
  }

  /// A number, string or word; whole numbers without a fraction, as an integer is written.
  private static func spelling(_ value: JSON) -> String {
    if case .double(let number) = value, let whole = Int(exactly: number) { return String(whole) }
    return value.text
  }

  static func isScalar(_ value: JSON) -> Bool { value.array == nil && value.object == nil }

  /// One of some values.
  static func constants(_ values: [JSON]) -> Node {
    let scalars = values.filter(isScalar)
    return .choice(
      [.literals(scalars.map { Array(spelling($0).utf8) })] + values.filter { !isScalar($0) }.map(constant))
  }
}
