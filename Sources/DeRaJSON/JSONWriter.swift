extension JSON {
  /// The value on one line, without spaces.
  package var text: String {
    var bytes: [UInt8] = []
    write(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends the value as UTF-8 on one line, without spaces, members in their order.
  ///
  /// Doubles are the shortest text that reads back as the same value; JSON has no NaN and no infinity, which become
  /// `null` as in ECMAScript's `JSON.stringify`.
  package func write(to bytes: inout [UInt8]) {
    switch self {
    case .null: bytes += "null".utf8
    case .bool(let value): bytes += (value ? "true" : "false").utf8
    case .integer(let value): bytes += String(value).utf8
    case .double(let value): bytes += (value.isFinite ? value.description : "null").utf8
    case .string(let value): Self.write(value, to: &bytes)
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let object): object.write(to: &bytes)
    }
  }

  /// Appends a string with its quotes. Quotes, backslashes and control characters are escaped, nothing else.
  package static func write(_ string: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0x08: bytes += #"\b"#.utf8
      case 0x09: bytes += #"\t"#.utf8
      case 0x0a: bytes += #"\n"#.utf8
      case 0x0c: bytes += #"\f"#.utf8
      case 0x0d: bytes += #"\r"#.utf8
      case 0..<0x20:
        bytes += #"\u00"#.utf8
        bytes += [hexadecimal(byte >> 4), hexadecimal(byte & 15)]
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func hexadecimal(_ digit: UInt8) -> UInt8 {
    digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
  }
}

extension JSONObject {
  fileprivate func write(to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "{"))
    for index in 0..<count {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      JSON.write(keys[index], to: &bytes)
      bytes.append(UInt8(ascii: ":"))
      values[index].write(to: &bytes)
    }
    bytes.append(UInt8(ascii: "}"))
  }
}
