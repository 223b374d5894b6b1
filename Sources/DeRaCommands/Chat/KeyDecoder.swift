/// A key press.
package enum Key: Equatable {
  case text(Unicode.Scalar)
  case enter, backspace, delete, left, right, home, end, up, down, wordLeft, wordRight
  case deleteToEnd, deleteToStart, deleteWord, clearScreen, search, cancel, interrupt, endOfInput
  /// The bounds of pasted text.
  case pasteStart, pasteEnd
}

/// Turns the bytes a terminal sends into keys: UTF-8, control characters, and the escape sequences of ECMA-48 terminals.
package struct KeyDecoder {
  private var pending: [UInt8] = []

  package init() {}

  /// Takes one byte; returns a key when one is complete. Unknown sequences and invalid UTF-8 are swallowed.
  package mutating func feed(_ byte: UInt8) -> Key? {
    if pending.first == 0x1B { return feedEscape(byte) }
    if pending.isEmpty && (byte < 0x20 || byte == 0x7F) {
      if byte == 0x1B { pending = [byte] }
      return Self.controls[byte]
    }
    // A lead byte in the middle of a character means that the one before was cut off.
    if byte & 0xC0 != 0x80 { pending = [] }
    pending.append(byte)
    guard let lead = pending.first, pending.count == Self.characterLength(lead) else {
      if pending.first.map(Self.characterLength) == 0 || pending.count >= 4 { pending = [] }
      return nil
    }
    defer { pending = [] }
    guard let text = String(validating: pending, as: UTF8.self) else { return nil }
    return text.unicodeScalars.first.map(Key.text)
  }

  private mutating func feedEscape(_ byte: UInt8) -> Key? {
    pending.append(byte)
    let isIntroducer = pending.count == 2 && (byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O"))
    let isParameter = pending.count > 2 && (0x20...0x3F).contains(byte)
    if (isIntroducer || isParameter) && pending.count < 16 { return nil }
    defer { pending = [] }
    return Self.escapes[String(decoding: pending.dropFirst(), as: UTF8.self)]
  }

  /// Bytes of the UTF-8 character that starts with `lead`; 0 when none does.
  private static func characterLength(_ lead: UInt8) -> Int {
    switch lead {
    case 0x00..<0x80: 1
    case 0xC2..<0xE0: 2
    case 0xE0..<0xF0: 3
    case 0xF0..<0xF5: 4
    default: 0
    }
  }

  private static let controls: [UInt8: Key] = [
    1: .home, 2: .left, 3: .interrupt, 4: .endOfInput, 5: .end, 6: .right, 7: .cancel, 8: .backspace, 10: .enter,
    11: .deleteToEnd,
    12: .clearScreen, 13: .enter, 14: .down, 16: .up, 18: .search, 21: .deleteToStart, 23: .deleteWord, 127: .backspace,
  ]

  private static let escapes: [String: Key] = [
    "[A": .up, "[B": .down, "[C": .right, "[D": .left, "[H": .home, "[F": .end, "OA": .up, "OB": .down, "OC": .right,
    "OD": .left, "OH": .home, "OF": .end, "[1~": .home, "[7~": .home, "[4~": .end, "[8~": .end, "[3~": .delete,
    "[1;5D": .wordLeft, "[1;5C": .wordRight, "[1;3D": .wordLeft, "[1;3C": .wordRight, "b": .wordLeft, "f": .wordRight,
    "[200~": .pasteStart, "[201~": .pasteEnd,
  ]
}
