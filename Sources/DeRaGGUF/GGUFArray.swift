import DeRaPlatform

/// An array of metadata, kept as the file codes it and decoded on demand: a vocabulary of 262,144 tokens costs no object
/// per token.
///
/// Elements are little-endian numbers, one-byte booleans, or strings as a 64-bit length followed by the bytes.
package struct GGUFArray: Sendable {
  private enum Storage: Sendable {
    case mapped(MappedFile, Range<Int>)
    case owned([UInt8])
  }

  package let elementType: GGUFValueType
  package let count: Int
  private let storage: Storage

  /// `range` of `file` holds `count` valid elements: the parser has seen to it.
  init(elementType: GGUFValueType, count: Int, file: MappedFile, range: Range<Int>) {
    self.elementType = elementType
    self.count = count
    storage = .mapped(file, range)
  }

  private init(elementType: GGUFValueType, count: Int, owned: [UInt8]) {
    self.elementType = elementType
    self.count = count
    storage = .owned(owned)
  }

  private init<Number: FixedWidthInteger>(_ elementType: GGUFValueType, _ numbers: some Sequence<Number>) {
    var bytes: [UInt8] = []
    for number in numbers { bytes.append(littleEndian: number) }
    self.init(
      elementType: elementType, count: bytes.count / MemoryLayout<Number>.size, owned: bytes)
  }

  package init(int8s: [Int8]) { self.init(.int8, int8s) }
  package init(int32s: [Int32]) { self.init(.int32, int32s) }
  package init(uint64s: [UInt64]) { self.init(.uint64, uint64s) }
  package init(float32s: [Float]) { self.init(.float32, float32s.map(\.bitPattern)) }
  package init(bools: [Bool]) { self.init(.bool, bools.map { $0 ? 1 as UInt8 : 0 }) }
  package init(strings: [String]) { self.init(stringBytes: strings.map { Array($0.utf8) }) }

  /// Strings that need not be UTF-8.
  package init(stringBytes: [[UInt8]]) {
    var bytes: [UInt8] = []
    for string in stringBytes { bytes.append(ggufString: string) }
    self.init(elementType: .string, count: stringBytes.count, owned: bytes)
  }

  /// Calls `body` with the coded elements.
  func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch storage {
    case .mapped(let file, let range):
      return try body(UnsafeRawBufferPointer(rebasing: file.bytes[range]))
    case .owned(let bytes):
      return try bytes.withUnsafeBufferPointer { (buffer) throws(Failure) in try body(UnsafeRawBufferPointer(buffer)) }
    }
  }

  /// Calls `body` with the bytes of every string in turn; not at all when the elements are no strings.
  package func forEachString<Failure: Error>(
    _ body: (Int, UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    guard elementType == .string else { return }
    try withBytes { (bytes) throws(Failure) in
      var offset = 0
      for index in 0..<count {
        let length = Int(truncatingIfNeeded: bytes.littleEndian(at: offset, as: UInt64.self))
        offset += 8
        try body(index, UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length]))
        offset += length
      }
    }
  }

  /// The strings, ill-formed UTF-8 repaired; nil when the elements are no strings.
  package var strings: [String]? {
    guard elementType == .string else { return nil }
    var list: [String] = []
    list.reserveCapacity(count)
    forEachString { list.append(String(decoding: $1, as: UTF8.self)) }
    return list
  }

  package var int8s: [Int8]? { numbers(.int8) }
  package var int32s: [Int32]? { numbers(.int32) }
  package var uint64s: [UInt64]? { numbers(.uint64) }
  package var float32s: [Float]? { numbers(.float32, as: UInt32.self)?.map(Float.init(bitPattern:)) }
  package var bools: [Bool]? { numbers(.bool, as: UInt8.self)?.map { $0 != 0 } }

  /// The elements when they are integers of any width that fit in `Int`.
  package var integers: [Int]? {
    switch elementType {
    case .uint8: numbers(.uint8, as: UInt8.self)?.map(Int.init)
    case .int8: int8s?.map(Int.init)
    case .uint16: numbers(.uint16, as: UInt16.self)?.map(Int.init)
    case .int16: numbers(.int16, as: Int16.self)?.map(Int.init)
    case .uint32: numbers(.uint32, as: UInt32.self)?.map(Int.init)
    case .int32: int32s?.map(Int.init)
    case .int64: numbers(.int64, as: Int64.self)?.map(Int.init)
    case .uint64: uint64s.flatMap { $0.allSatisfy { $0 <= Int.max } ? $0.map(Int.init) : nil }
    default: nil
    }
  }

  private func numbers<Number: FixedWidthInteger>(_ type: GGUFValueType, as: Number.Type = Number.self) -> [Number]? {
    guard elementType == type else { return nil }
    return withBytes { bytes in
      (0..<count).map { bytes.littleEndian(at: $0 * MemoryLayout<Number>.size, as: Number.self) }
    }
  }
}

extension GGUFArray: Equatable {
  package static func == (left: GGUFArray, right: GGUFArray) -> Bool {
    left.elementType == right.elementType && left.count == right.count
      && left.withBytes { leftBytes in right.withBytes { leftBytes.elementsEqual($0) } }
  }
}
