// The standard library's normalisation needs no data tables of its own and no Foundation.
@_spi(_Unicode) import Swift

/// Normal forms of valid UTF-8.
enum Normalization {
  static func compose(_ text: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    guard !appendASCII(text, to: &output) else { return }
    for scalar in String(decoding: text, as: UTF8.self)._nfc { append(scalar, to: &output) }
  }

  static func decompose(_ text: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    guard !appendASCII(text, to: &output) else { return }
    for scalar in String(decoding: text, as: UTF8.self)._nfd { append(scalar, to: &output) }
  }

  static func lowercase(_ text: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      output.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
    }
  }

  /// ASCII is in every normal form.
  private static func appendASCII(_ text: UnsafeRawBufferPointer, to output: inout [UInt8]) -> Bool {
    guard text.allSatisfy({ $0 < 0x80 }) else { return false }
    output.append(contentsOf: text)
    return true
  }

  private static func append(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
    output.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }
}

/// Unicode white space and word characters at a place in valid UTF-8.
enum WhiteSpace {
  /// The end of the white space that starts at `start`.
  static func end(in text: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Int {
    var index = start
    while index < end, let (scalar, length) = scalar(in: text, at: index, limit: end), scalar.properties.isWhitespace {
      index += length
    }
    return index
  }

  /// The start of the white space that ends at `end`.
  static func start(in text: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Int {
    var index = end
    while let (scalar, length) = scalar(in: text, before: index, limit: start), scalar.properties.isWhitespace {
      index -= length
    }
    return index
  }

  static func scalar(
    in text: UnsafeRawBufferPointer, at index: Int, limit: Int
  ) -> (scalar: Unicode.Scalar, length: Int)? {
    guard index < limit else { return nil }
    var decoder = UTF8()
    var iterator = text[index..<limit].makeIterator()
    guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
    return (scalar, UTF8.width(scalar))
  }

  static func scalar(
    in text: UnsafeRawBufferPointer, before end: Int, limit: Int
  ) -> (scalar: Unicode.Scalar, length: Int)? {
    var index = end - 1
    while index > limit, text[index] & 0xC0 == 0x80 { index -= 1 }
    return index < limit ? nil : scalar(in: text, at: index, limit: end)
  }

  /// A character of a word as Rust's `regex` crate sees it (`\w`).
  static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: true
    default: scalar.properties.isAlphabetic || scalar.properties.isJoinControl
    }
  }
}
