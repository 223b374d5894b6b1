/// The fields of one protocol-buffer message, in order, from untrusted bytes.
/// Source: protobuf.dev, "Encoding".
struct ProtobufReader {
  enum Value {
    case varint(UInt64)
    case fixed32(UInt32)
    case fixed64(UInt64)
    /// Place of a string or of a nested message in the file.
    case bytes(Range<Int>)
  }

  struct Failure: Error {
    var offset: Int
    var problem: String
  }

  let data: UnsafeRawBufferPointer
  private var position: Int
  private let end: Int

  init(_ data: UnsafeRawBufferPointer, _ range: Range<Int>) {
    self.data = data
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next field, nil at the end of the message.
  mutating func next() throws(Failure) -> (number: Int, value: Value)? {
    guard position < end else { return nil }
    let start = position
    let tag = try varint()
    let number = Int(truncatingIfNeeded: tag >> 3)
    guard number > 0, tag >> 3 < 1 << 29 else { throw Failure(offset: start, problem: "field number \(tag >> 3)") }
    switch tag & 7 {
    case 0: return (number, .varint(try varint()))
    case 1: return (number, .fixed64(UInt64(littleEndian: try load(UInt64.self))))
    case 2:
      let length = try varint()
      guard length <= UInt64(end - position) else {
        throw Failure(offset: start, problem: "field \(number) of \(length) bytes reaches past the end")
      }
      defer { position += Int(length) }
      return (number, .bytes(position..<(position + Int(length))))
    case 5: return (number, .fixed32(UInt32(littleEndian: try load(UInt32.self))))
    case let type: throw Failure(offset: start, problem: "wire type \(type)")
    }
  }

  private mutating func load<T: FixedWidthInteger>(_ type: T.Type) throws(Failure) -> T {
    guard end - position >= MemoryLayout<T>.size else {
      throw Failure(offset: position, problem: "the message ends within a number")
    }
    defer { position += MemoryLayout<T>.size }
    return data.loadUnaligned(fromByteOffset: position, as: T.self)
  }

  private mutating func varint() throws(Failure) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      guard position < end else { throw Failure(offset: position, problem: "the message ends within a number") }
      let byte = data[position]
      position += 1
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 { return value }
    }
    throw Failure(offset: position, problem: "a number of more than ten bytes")
  }
}
