// The tokens inside a tag.
extension Lexer {
  private static let symbols = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".",
    ":", "|", ",", ";",
  ].map { (text: Text($0), name: $0) }
  private static let closing: [TextScalar: TextScalar] = ["(": ")", "[": "]", "{": "}"]

  mutating func scanToken() throws(TemplateError) {
    let first = source[position]
    if first.isPythonSpace {
      advance(to: skipSpaces(from: position))
    } else if first.isDigit {
      try scanNumber()
    } else if first == "_" || first.properties.isXIDStart {
      let end = source[position...].firstIndex { $0 != "_" && !$0.properties.isXIDContinue } ?? source.count
      // Names are looked up and hashed again and again, so a huge one would cost what no limit counts.
      guard end - position <= 255 else { throw error("a name has more than 255 characters") }
      append(.name(Text(source[position..<end]).string))
      advance(to: end)
    } else if first == "'" || first == "\"" {
      try scanString(quote: first)
    } else {
      try scanSymbol()
    }
  }

  private mutating func scanSymbol() throws(TemplateError) {
    guard let symbol = Self.symbols.first(where: { source.hasPrefix($0.text, at: position) }) else {
      throw error("unexpected character '\(source[position])'")
    }
    let scalar = symbol.text[0]
    if let closing = Self.closing[scalar] {
      brackets.append(closing)
    } else if Self.closing.values.contains(scalar) {
      let expected = brackets.popLast()
      if expected != scalar {
        throw error("unexpected '\(scalar)'" + (expected.map { ", expected '\($0)'" } ?? ""))
      }
    }
    append(.symbol(symbol.name))
    position += symbol.text.count
  }

  // MARK: Numbers

  private mutating func scanNumber() throws(TemplateError) {
    if let end = floatEnd() {
      guard let value = Double(Text(source[position..<end].filter { $0 != "_" }).string) else {
        throw error("a number is malformed")
      }
      append(.float(value))
      position = end
      return
    }
    let radix: Int? =
      source[position] == "0" && position + 1 < source.count
      ? ["b": 2, "o": 8, "x": 16][Text([source[position + 1]]).string.lowercased()] : nil
    let start = radix == nil ? position : position + 2
    let end = digitsEnd(from: start) { $0.digitValue(radix: radix ?? 10) != nil }
    guard let end, let value = Int(Text(source[start..<end].filter { $0 != "_" }).string, radix: radix ?? 10) else {
      throw error("a whole number is malformed or does not fit in 64 bits")
    }
    if radix == nil, source[position] == "0", value != 0 { throw error("a whole number starts with 0") }
    append(.integer(value))
    position = end
  }

  /// The end of a number with a fraction or an exponent. After a dot (`x.1.2`) there is none.
  private func floatEnd() -> Int? {
    if position > 0, source[position - 1] == "." { return nil }
    guard var end = digitsEnd(from: position, where: \.isDigit) else { return nil }
    var isFloat = false
    if end < source.count, source[end] == ".", let fraction = digitsEnd(from: end + 1, where: \.isDigit) {
      end = fraction
      isFloat = true
    }
    if end < source.count, source[end] == "e" || source[end] == "E" {
      let start = sign(at: end + 1) == nil ? end + 1 : end + 2
      if let exponent = digitsEnd(from: start, where: \.isDigit) { return exponent }
    }
    return isFloat ? end : nil
  }

  /// The end of digits that may have single `_` between them, `nil` when there are none.
  private func digitsEnd(from start: Int, where isDigit: (TextScalar) -> Bool) -> Int? {
    var end = start
    while end < source.count {
      if isDigit(source[end]) {
        end += 1
      } else if source[end] == "_", end > start, end + 1 < source.count, isDigit(source[end + 1]) {
        end += 2
      } else {
        break
      }
    }
    return end > start ? end : nil
  }

  // MARK: Strings

  private mutating func scanString(quote: TextScalar) throws(TemplateError) {
    var text = Text()
    var index = position + 1
    while index < source.count, source[index] != quote {
      if source[index] == "\\", index + 1 < source.count {
        index = try scanEscape(at: index + 1, into: &text)
      } else {
        text.append(source[index])
        index += 1
      }
    }
    guard index < source.count else { throw error("this string has no end") }
    append(.string(text))
    advance(to: index + 1)
  }

  private static let simpleEscapes: [TextScalar: TextScalar] = [
    "n": "\n", "t": "\t", "r": "\r", "b": "\u{8}", "f": "\u{c}", "v": "\u{b}", "a": "\u{7}", "\\": "\\", "'": "'",
    "\"": "\"",
  ]
  private static let codeEscapes: [TextScalar: Int] = ["x": 2, "u": 4, "U": 8]

  /// Decodes the escape whose letter is at `index` and returns the position after it.
  private func scanEscape(at index: Int, into text: inout Text) throws(TemplateError) -> Int {
    let letter = source[index]
    if letter == "\n" { return index + 1 }
    if let scalar = Self.simpleEscapes[letter] {
      text.append(scalar)
      return index + 1
    }
    if letter == "N" { throw error("'\\N{…}' in a string is not supported", .unsupported) }
    let digits = Self.codeEscapes[letter]
    guard digits != nil || letter.digitValue(radix: 8) != nil else {
      text += ["\\", letter]
      return index + 1
    }
    let start = digits == nil ? index : index + 1
    let radix = digits == nil ? 8 : 16
    let code = source[start...].prefix(digits ?? 3).prefix { $0.digitValue(radix: radix) != nil }
    guard code.count == digits ?? code.count, let value = UInt32(Text(code).string, radix: radix),
      let scalar = TextScalar(value)
    else { throw error("a string has an escape that is not a character") }
    text.append(scalar)
    return start + code.count
  }
}

extension TextScalar {
  var isDigit: Bool { ("0"..."9").contains(self) }

  func digitValue(radix: Int) -> Int? {
    guard isASCII, let value = Character(scalar).hexDigitValue, value < radix else { return nil }
    return value
  }
}
