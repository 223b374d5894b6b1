/// Why a text is not JSON we accept, and where.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Byte position in the text.
  package var position: Int
  package var problem: String
  package var description: String { "byte \(position): \(problem)" }
}

extension JSON {
  /// Largest text accepted; the largest tokenizer files are a third of it.
  package static let maximumBytes = 128 << 20
  /// Deepest nesting accepted where the caller names no other limit.
  package static let maximumDepth = 64
  /// Most values accepted, since each takes many times the memory of its shortest spelling; the largest tokenizer files
  /// have a third of it.
  package static let maximumValues = 1 << 23

  /// Parses a whole text by RFC 8259, and stricter: keys unique, valid UTF-8, no unpaired surrogates, finite numbers.
  /// - Parameters:
  ///   - allowsNonFinite: take `NaN`, `Infinity` and `-Infinity`, which Python writes, for numbers.
  ///   - valueLimit: most values in the text.
  ///   - depthLimit: deepest nesting; a scalar has depth 0.
  /// - Throws: `JSONError` with the byte position.
  package static func parse(
    _ bytes: UnsafeRawBufferPointer, allowsNonFinite: Bool = false, valueLimit: Int = maximumValues,
    depthLimit: Int = maximumDepth
  ) throws(JSONError) -> JSON {
    var parser = try JSONParser(bytes: bytes, allowsNonFinite: allowsNonFinite)
    parser.valueLimit = valueLimit
    parser.depthLimit = depthLimit
    parser.skipSpace()
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.position == bytes.count else { throw parser.error("text after the end of the value") }
    return value
  }

  /// - Throws: as `parse(_:)`.
  package static func parse(_ text: String, depthLimit: Int = maximumDepth) throws(JSONError) -> JSON {
    let bytes = Array(text.utf8)
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(JSONError) -> JSON in try parse(buffer, depthLimit: depthLimit) }
    }
    return try result.get()
  }
}

/// The members of an object that is a whole text, one at a time: a large object takes no more memory than one of them.
/// Repeated keys are not noticed.
package struct JSONMembers {
  private var parser: JSONParser
  private var isAtEnd: Bool

  /// - Parameter valueLimit: most values in one member.
  /// - Throws: `JSONError` when the text does not begin as an object.
  package init(_ bytes: UnsafeRawBufferPointer, valueLimit: Int) throws(JSONError) {
    parser = try JSONParser(bytes: bytes)
    parser.valueLimit = valueLimit
    parser.skipSpace()
    guard parser.next == UInt8(ascii: "{") else { throw parser.error("not an object") }
    isAtEnd = try parser.open(until: UInt8(ascii: "}"), depth: 1)
  }

  /// nil after the last member, when nothing may follow the object.
  /// - Throws: `JSONError` with the byte position.
  package mutating func next() throws(JSONError) -> (key: String, value: JSON)? {
    if isAtEnd {
      parser.skipSpace()
      guard parser.position == parser.bytes.count else { throw parser.error("text after the end of the object") }
      return nil
    }
    parser.values = 0
    let key = try parser.key()
    let value = try parser.value(depth: 1)
    isAtEnd = try !parser.more(until: UInt8(ascii: "}"), "an object")
    return (key, value)
  }
}

private struct JSONParser {
  let bytes: UnsafeRawBufferPointer
  var position = 0
  var allowsNonFinite: Bool
  var valueLimit = JSON.maximumValues
  var depthLimit = JSON.maximumDepth
  /// Values begun.
  var values = 0

  /// - Throws: `JSONError` when the text is too long.
  init(bytes: UnsafeRawBufferPointer, allowsNonFinite: Bool = false) throws(JSONError) {
    self.bytes = bytes
    self.allowsNonFinite = allowsNonFinite
    guard bytes.count <= JSON.maximumBytes else {
      throw error("\(bytes.count) bytes are more than the \(JSON.maximumBytes) accepted")
    }
  }

  func error(_ problem: String, at position: Int? = nil) -> JSONError {
    JSONError(position: position ?? self.position, problem: problem)
  }

  /// The next byte, 0 at the end (a zero byte is valid nowhere in JSON).
  var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

  mutating func skipSpace() {
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
      position += 1
    }
  }

  mutating func value(depth: Int) throws(JSONError) -> JSON {
    values += 1
    guard values <= valueLimit else { throw error("more than \(valueLimit) values") }
    switch next {
    case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
    case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "N") where allowsNonFinite: return try word("NaN", .double(.nan))
    case UInt8(ascii: "I") where allowsNonFinite: return try word("Infinity", .double(.infinity))
    case UInt8(ascii: "-") where allowsNonFinite && startsNegativeInfinity:
      return try word("-Infinity", .double(-.infinity))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw error(position < bytes.count ? "no value starts here" : "the text ends where a value is needed")
    }
  }

  var startsNegativeInfinity: Bool { position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "I") }

  mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    let end = position + word.utf8CodeUnitCount
    guard end <= bytes.count,
      bytes[position..<end].elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    else { throw error("no value starts here") }
    position = end
    return value
  }

  /// After a member or element: true at a comma, false at the closing byte.
  mutating func more(until close: UInt8, _ what: String) throws(JSONError) -> Bool {
    skipSpace()
    let byte = next
    guard byte == close || byte == UInt8(ascii: ",") else {
      throw error(position < bytes.count ? "neither a comma nor the end of \(what)" : "the text ends inside \(what)")
    }
    position += 1
    skipSpace()
    return byte != close
  }

  /// Steps over the opening byte and space; true when the closing byte follows at once.
  mutating func open(until close: UInt8, depth: Int) throws(JSONError) -> Bool {
    guard depth <= depthLimit else { throw error("nested deeper than \(depthLimit) levels") }
    position += 1
    skipSpace()
    guard next == close else { return false }
    position += 1
    return true
  }

  mutating func array(depth: Int) throws(JSONError) -> [JSON] {
    let close = UInt8(ascii: "]")
    if try open(until: close, depth: depth) { return [] }
    var elements: [JSON] = []
    repeat {
      elements.append(try value(depth: depth))
    } while try more(until: close, "an array")
    return elements
  }

  mutating func object(depth: Int) throws(JSONError) -> JSONObject {
    let close = UInt8(ascii: "}")
    var object = JSONObject()
    if try open(until: close, depth: depth) { return object }
    repeat {
      let start = position
      let key = try key()
      let value = try value(depth: depth)
      guard object.append(key, value) else { throw error("duplicate key \"\(key.prefix(60))\"", at: start) }
    } while try more(until: close, "an object")
    return object
  }

  /// A key, its colon and the space around that.
  mutating func key() throws(JSONError) -> String {
    guard next == UInt8(ascii: "\"") else { throw error("an object's key must be a string") }
    let key = try string()
    skipSpace()
    guard next == UInt8(ascii: ":") else { throw error("a colon must follow the key \"\(key.prefix(60))\"") }
    position += 1
    skipSpace()
    return key
  }

  mutating func number() throws(JSONError) -> JSON {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    let leadingZero = next == UInt8(ascii: "0")
    let whole = try digits()
    guard !leadingZero || whole == 1 else { throw error("a number must not start with 0", at: start) }
    var isInteger = true
    if next == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      _ = try digits()
    }
    if next | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      _ = try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else { throw error("a number out of range", at: start) }
    return .double(value)
  }

  /// - Returns: how many digits were passed, at least 1.
  mutating func digits() throws(JSONError) -> Int {
    let start = position
    while next >= UInt8(ascii: "0") && next <= UInt8(ascii: "9") { position += 1 }
    guard position > start else { throw error("a digit is needed here") }
    return position - start
  }
}

extension JSONParser {
  mutating func string() throws(JSONError) -> String {
    let start = position + 1
    position = start
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        defer { position += 1 }
        return try text(Array(bytes[start..<position]), start: start)
      }
      if byte == UInt8(ascii: "\\") { return try escapedString(start: start) }
      guard byte >= 0x20 else { throw error("a control byte inside a string") }
      position += 1
    }
    throw error("the text ends inside a string")
  }

  func text(_ utf8: [UInt8], start: Int) throws(JSONError) -> String {
    guard let text = String(validating: utf8, as: UTF8.self) else {
      throw error("a string that is not valid UTF-8", at: start)
    }
    return text
  }

  /// The rest of a string whose first backslash is at `position`.
  mutating func escapedString(start: Int) throws(JSONError) -> String {
    var utf8 = Array(bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return try text(utf8, start: start)
      case UInt8(ascii: "\\"): try escape(into: &utf8)
      case 0..<0x20: throw error("a control byte inside a string", at: position - 1)
      default: utf8.append(byte)
      }
    }
    throw error("the text ends inside a string")
  }

  mutating func escape(into utf8: inout [UInt8]) throws(JSONError) {
    let byte = next
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): utf8.append(byte)
    case UInt8(ascii: "b"): utf8.append(0x08)
    case UInt8(ascii: "f"): utf8.append(0x0c)
    case UInt8(ascii: "n"): utf8.append(0x0a)
    case UInt8(ascii: "r"): utf8.append(0x0d)
    case UInt8(ascii: "t"): utf8.append(0x09)
    case UInt8(ascii: "u"): utf8 += Array(String(try unicodeScalar()).utf8)
    default: throw error("an unknown escape", at: position - 1)
    }
  }

  mutating func unicodeScalar() throws(JSONError) -> Unicode.Scalar {
    let start = position
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xdc00, next == UInt8(ascii: "\\") else { throw error("an unpaired surrogate", at: start) }
    position += 1
    guard next == UInt8(ascii: "u") else { throw error("an unpaired surrogate", at: start) }
    position += 1
    let second = try hexadecimal()
    guard (0xdc00..<0xe000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    else { throw error("an unpaired surrogate", at: start) }
    return scalar
  }

  mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let byte = next
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw error("four hexadecimal digits must follow \\u")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
