/// UTF-8 in untrusted bytes. Ill-formed sequences are cut into maximal subparts as the Unicode standard recommends
/// (section 3.9, table 3-8), which is what Python's `errors="replace"` and Rust's `from_utf8_lossy` do.
package enum UTF8Text {
  package static let maximumScalarBytes = 4
  package static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

  package enum Unit: Equatable {
    /// A scalar of that many bytes.
    case scalar(Int)
    /// An ill-formed sequence of that many bytes: one U+FFFD.
    case invalid(Int)
    /// The bytes end inside a sequence that is well-formed so far.
    case incomplete(Int)
  }

  /// The unit that starts at `start`, which must be less than `bytes.count`.
  package static func unit(in bytes: UnsafeRawBufferPointer, at start: Int) -> Unit {
    let first = bytes[start]
    if first < 0x80 { return .scalar(1) }
    guard first >= 0xC2, first <= 0xF4 else { return .invalid(1) }
    let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    var index = 1
    while index < length {
      guard start + index < bytes.count else { return .incomplete(index) }
      let byte = bytes[start + index]
      let range: ClosedRange<UInt8> = index == 1 ? secondByte(after: first) : 0x80...0xBF
      guard range.contains(byte) else { return .invalid(index) }
      index += 1
    }
    return .scalar(length)
  }

  private static func secondByte(after first: UInt8) -> ClosedRange<UInt8> {
    switch first {
    case 0xE0: 0xA0...0xBF
    case 0xED: 0x80...0x9F
    case 0xF0: 0x90...0xBF
    case 0xF4: 0x80...0x8F
    default: 0x80...0xBF
    }
  }

  package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    while index < bytes.count {
      guard case .scalar(let length) = unit(in: bytes, at: index) else { return false }
      index += length
    }
    return true
  }

  /// Appends `bytes` to `output` with ill-formed sequences replaced.
  /// - Returns: the number of bytes taken. With `holdingTail` an unfinished sequence at the end is left alone.
  @discardableResult
  package static func appendRepaired(
    _ bytes: UnsafeRawBufferPointer, to output: inout [UInt8], holdingTail: Bool = false
  ) -> Int {
    var index = 0
    var copied = 0
    while index < bytes.count {
      switch unit(in: bytes, at: index) {
      case .scalar(let length):
        index += length
        continue
      case .incomplete where holdingTail:
        output.append(contentsOf: bytes[copied..<index])
        return index
      case .invalid(let length), .incomplete(let length):
        output.append(contentsOf: bytes[copied..<index])
        output.append(contentsOf: replacement)
        index += length
        copied = index
      }
    }
    output.append(contentsOf: bytes[copied...])
    return index
  }
}
