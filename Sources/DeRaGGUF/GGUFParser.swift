import DeRaPlatform
import DeRaTensorCore

/// Walks the header of a GGUF file and checks every rule on the way: no count is believed, and nothing allocated for it,
/// before so many elements could fit in the rest of the file.
struct GGUFParser {
  static let magic = UInt32(0x4655_4747)

  private let file: MappedFile
  private var cursor: GGUFCursor
  private(set) var version = 0
  private(set) var metadata: [(key: String, value: GGUFValue)] = []
  private(set) var values: [String: GGUFValue] = [:]
  private(set) var tensors: [GGUFTensor] = []
  private(set) var tensorIndex: [String: Int] = [:]

  init(file: MappedFile) {
    self.file = file
    cursor = GGUFCursor(file: file)
  }

  mutating func parse() throws(GGUFError) {
    let (entries, alignment) = try parseHeader()
    try place(entries, alignment: alignment)
  }

  /// Bytes that the whole file has to have, by its header alone; its end is aligned as the tensors are.
  mutating func parseSize() throws(GGUFError) -> Int {
    let (entries, alignment) = try parseHeader()
    guard !entries.isEmpty else { return cursor.offset }
    let dataStart = (cursor.offset + alignment - 1) / alignment * alignment
    let dataBytes = entries.map { $0.dataOffset + $0.byteCount }.max() ?? 0
    do throws(TensorError) {
      return try CheckedSize.aligned(CheckedSize.sum(dataStart, dataBytes), to: alignment)
    } catch {
      throw cursor.malformed(.sizeOverflow, at: cursor.offset, found: "\(dataBytes) bytes of data", expected: "less")
    }
  }

  private mutating func parseHeader() throws(GGUFError) -> (entries: [TensorEntry], alignment: Int) {
    try parseVersion()
    // A tensor takes at least its name's length and one byte, dimension count, one dimension, type and offset.
    let tensorCount = try cursor.count("tensors", of: 8 + 1 + 4 + 8 + 4 + 8, atMost: GGUFLimits.tensors)
    // A key takes at least its length and one byte, the type and a value of one byte.
    let keyCount = try cursor.count("metadata keys", of: 8 + 1 + 4 + 1, atMost: GGUFLimits.metadataKeys)
    for _ in 0..<keyCount { try parseKeyValue() }
    let alignment = try alignment()
    var entries: [TensorEntry] = []
    for _ in 0..<tensorCount { entries.append(try parseTensor(alignment: alignment)) }
    return (entries, alignment)
  }

  private mutating func parseVersion() throws(GGUFError) {
    guard try cursor.number("magic", as: UInt32.self) == Self.magic else {
      throw cursor.malformed(.notGGUF, at: 0, found: "other bytes", expected: "GGUF")
    }
    let start = cursor.offset
    let number = try cursor.number("version", as: UInt32.self)
    guard number == 2 || number == 3 else {
      let found = number.byteSwapped == 2 || number.byteSwapped == 3 ? "a big-endian file" : "version \(number)"
      throw cursor.malformed(.unsupportedVersion, at: start, found: found, expected: "version 2 or 3")
    }
    version = Int(number)
  }

  // MARK: Metadata

  private mutating func parseKeyValue() throws(GGUFError) {
    let start = cursor.offset
    let key = try cursor.name("key", atMost: GGUFLimits.keyBytes)
    let value = try parseValue(of: key, type: parseType())
    guard values.updateValue(value, forKey: key) == nil else {
      throw cursor.malformed(.duplicateKey, at: start, found: key, expected: "every key once")
    }
    metadata.append((key, value))
  }

  private mutating func parseType() throws(GGUFError) -> GGUFValueType {
    let start = cursor.offset
    let number = try cursor.number("value type", as: UInt32.self)
    guard let type = GGUFValueType(rawValue: number) else {
      throw cursor.malformed(.unknownValueType, at: start, found: "\(number)", expected: "0 to 12")
    }
    return type
  }

  private mutating func parseValue(of key: String, type: GGUFValueType) throws(GGUFError) -> GGUFValue {
    switch type {
    case .uint8: .uint8(try cursor.number(key))
    case .int8: .int8(try cursor.number(key))
    case .uint16: .uint16(try cursor.number(key))
    case .int16: .int16(try cursor.number(key))
    case .uint32: .uint32(try cursor.number(key))
    case .int32: .int32(try cursor.number(key))
    case .uint64: .uint64(try cursor.number(key))
    case .int64: .int64(try cursor.number(key))
    case .float32: .float32(Float(bitPattern: try cursor.number(key)))
    case .float64: .float64(Double(bitPattern: try cursor.number(key)))
    case .bool: .bool(try cursor.bool(key))
    case .string: .string(try cursor.text(key))
    case .array: .array(try parseArray(key))
    }
  }

  /// Checks the elements without keeping an object for each.
  private mutating func parseArray(_ key: String) throws(GGUFError) -> GGUFArray {
    let typeOffset = cursor.offset
    let type = try parseType()
    guard type != .array else {
      throw cursor.malformed(.nestedArray, at: typeOffset, found: "arrays in \(key)", expected: "numbers or strings")
    }
    let count = try cursor.count("elements of \(key)", of: type.minimumBytes, atMost: .max)
    let start = cursor.offset
    switch type {
    case .string: for _ in 0..<count { _ = try cursor.stringRange(key) }
    case .bool: for _ in 0..<count { _ = try cursor.bool(key) }
    default: try cursor.skip(count * type.minimumBytes, key)
    }
    return GGUFArray(elementType: type, count: count, file: file, range: start..<cursor.offset)
  }

  private func alignment() throws(GGUFError) -> Int {
    let key = "general.alignment"
    guard let value = values[key] else { return GGUFLimits.defaultAlignment }
    guard case .uint32(let number) = value else {
      throw .wrongValue(path: file.path, key: key, found: value.typeName, expected: "uint32")
    }
    guard number >= GGUFLimits.smallestAlignment, number.nonzeroBitCount == 1 else {
      throw cursor.malformed(
        .badAlignment, at: cursor.offset, found: "\(key) = \(number)",
        expected: "a power of two from \(GGUFLimits.smallestAlignment)")
    }
    return Int(number)
  }

  // MARK: Tensors

  private struct TensorEntry {
    let start: Int
    let name: String
    let type: GGMLType
    let dimensions: [Int]
    /// Bytes from the start of the data section.
    let dataOffset: Int
    let byteCount: Int
  }

  private mutating func parseTensor(alignment: Int) throws(GGUFError) -> TensorEntry {
    let start = cursor.offset
    let name = try cursor.name("tensor name", atMost: GGUFLimits.tensorNameBytes)
    let dimensions = try parseDimensions(name)
    let typeOffset = cursor.offset
    let number = try cursor.number("type of \(name)", as: UInt32.self)
    guard let type = GGMLType(rawValue: number) else {
      throw cursor.malformed(
        .unknownTensorType, at: typeOffset, found: "type \(number) of \(name)", expected: "a type of ggml's list")
    }
    let offsetOffset = cursor.offset
    let dataOffset = try cursor.number("offset of \(name)", as: UInt64.self)
    guard dataOffset % UInt64(alignment) == 0 else {
      throw cursor.malformed(
        .misalignedTensor, at: offsetOffset, found: "offset \(dataOffset) of \(name)",
        expected: "a multiple of \(alignment)")
    }
    let byteCount = try cursor.byteCount(of: name, type, dimensions, at: start)
    guard let dataOffset = Int(exactly: dataOffset), (try? CheckedSize.sum(dataOffset, byteCount)) != nil else {
      throw cursor.malformed(
        .sizeOverflow, at: offsetOffset, found: "offset \(dataOffset) + \(byteCount) bytes of \(name)",
        expected: "a sum below 2^63")
    }
    return TensorEntry(
      start: start, name: name, type: type, dimensions: dimensions, dataOffset: dataOffset, byteCount: byteCount)
  }

  private mutating func parseDimensions(_ name: String) throws(GGUFError) -> [Int] {
    let start = cursor.offset
    let count = try cursor.number("dimension count of \(name)", as: UInt32.self)
    guard count >= 1, count <= GGUFLimits.dimensions else {
      throw cursor.malformed(
        .badDimensions, at: start, found: "\(count) dimensions of \(name)", expected: "1 to \(GGUFLimits.dimensions)")
    }
    var dimensions: [Int] = []
    for _ in 0..<count {
      let offset = cursor.offset
      let number = try cursor.number("dimension of \(name)", as: UInt64.self)
      guard let dimension = Int(exactly: number), dimension > 0 else {
        throw cursor.malformed(
          .badDimensions, at: offset, found: "dimension \(number) of \(name)", expected: "1 to 2^63 − 1")
      }
      dimensions.append(dimension)
    }
    return dimensions
  }

  /// The data section starts at the first aligned byte after the header; every tensor lies in it, apart from the others.
  private mutating func place(_ entries: [TensorEntry], alignment: Int) throws(GGUFError) {
    guard !entries.isEmpty else { return }
    let size = file.bytes.count
    // `offset` is at most the file's size and the alignment below 2^32: no overflow.
    let dataStart = (cursor.offset + alignment - 1) / alignment * alignment
    for entry in entries {
      guard dataStart <= size, entry.dataOffset <= size - dataStart,
        entry.byteCount <= size - dataStart - entry.dataOffset
      else {
        throw cursor.malformed(
          .truncated, at: entry.start,
          found: "\(entry.name) of \(entry.byteCount) bytes at \(dataStart) + \(entry.dataOffset)",
          expected: "it to end within the file's \(size) bytes")
      }
      let lower = dataStart + entry.dataOffset
      guard tensorIndex.updateValue(tensors.count, forKey: entry.name) == nil else {
        throw cursor.malformed(.duplicateTensor, at: entry.start, found: entry.name, expected: "every name once")
      }
      tensors.append(
        GGUFTensor(
          name: entry.name, type: entry.type, dimensions: entry.dimensions, byteRange: lower..<lower + entry.byteCount))
    }
    let sorted = tensors.sorted { $0.byteRange.lowerBound < $1.byteRange.lowerBound }
    for (left, right) in zip(sorted, sorted.dropFirst()) where left.byteRange.upperBound > right.byteRange.lowerBound {
      throw cursor.malformed(
        .overlappingTensors, at: right.byteRange.lowerBound, found: "\(left.name) and \(right.name)",
        expected: "tensors apart from each other")
    }
  }
}
