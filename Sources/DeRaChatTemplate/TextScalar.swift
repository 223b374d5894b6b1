/// A character of a template's strings, with where it comes from: the template, or the conversation it lays out.
///
/// What the template computes from a character keeps its origin, so that special tokens in the prompt can be told apart
/// from their names in a message. Characters are equal, ordered and hashed whatever their origin.
struct TextScalar: Sendable {
  private static let contentBit: UInt32 = 1 << 31
  private let bits: UInt32

  init(_ scalar: Unicode.Scalar, isContent: Bool = false) {
    bits = scalar.value | (isContent ? Self.contentBit : 0)
  }

  /// Nil for numbers that are no character.
  init?(_ value: UInt32) {
    guard let scalar = Unicode.Scalar(value) else { return nil }
    self.init(scalar)
  }

  var value: UInt32 { bits & ~Self.contentBit }
  var scalar: Unicode.Scalar { Unicode.Scalar(value) ?? "\u{FFFD}" }
  /// Whether it comes from the conversation.
  var isContent: Bool { bits & Self.contentBit != 0 }
  var isASCII: Bool { value < 0x80 }
  var properties: Unicode.Scalar.Properties { scalar.properties }

  func isOne(of characters: String) -> Bool { characters.unicodeScalars.contains(scalar) }
}

extension TextScalar: Hashable, Comparable, ExpressibleByUnicodeScalarLiteral, CustomStringConvertible {
  init(unicodeScalarLiteral scalar: Unicode.Scalar) { self.init(scalar) }

  static func == (left: Self, right: Self) -> Bool { left.value == right.value }
  static func < (left: Self, right: Self) -> Bool { left.value < right.value }
  func hash(into hasher: inout Hasher) { hasher.combine(value) }

  var description: String { scalar.description }
}
