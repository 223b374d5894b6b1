/// The printable characters that byte-level vocabularies write for bytes.
/// Source: openai/gpt-2, `bytes_to_unicode`: printable Latin-1 stands for itself, the other 68 bytes for U+0100 onwards.
package enum ByteAlphabet {
  /// `[256]`: the scalar for each byte.
  package static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (UInt8.min...UInt8.max).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
      default:
        defer { next += 1 }
        return Unicode.Scalar(next) ?? Unicode.Scalar(byte)
      }
    }
  }()

  /// `[0x144]`: the byte for each scalar, −1 for scalars outside the alphabet.
  private static let bytes: [Int16] = {
    var table = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { table[Int(scalar.value)] = Int16(byte) }
    return table
  }()

  /// The bytes a vocabulary entry stands for, or nil when it has characters outside the alphabet.
  package static func decode(_ piece: some Sequence<Unicode.Scalar>) -> [UInt8]? {
    var result: [UInt8] = []
    for scalar in piece {
      guard scalar.value < UInt32(bytes.count), bytes[Int(scalar.value)] >= 0 else { return nil }
      result.append(UInt8(bytes[Int(scalar.value)]))
    }
    return result
  }

  /// The vocabulary's spelling of some bytes.
  package static func encode(_ bytes: some Sequence<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(scalars[Int(byte)]) }
    return String(text)
  }
}
