import DeRaGGUF
import DeRaTestSupport
import Testing

/// The bytes of a GGUF file put together field by field, so that any of them can be wrong.
struct RawGGUF {
  var bytes: [UInt8] = []

  /// Magic, version and counts.
  init(version: UInt32 = 3, tensors: UInt64 = 0, keys: UInt64 = 0) {
    bytes = Array("GGUF".utf8)
    add(version)
    add(tensors)
    add(keys)
  }

  mutating func add(_ number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
  }

  mutating func add(string: some Collection<UInt8>) {
    add(UInt64(string.count))
    bytes += string
  }

  mutating func key(_ name: String, _ type: GGUFValueType) {
    add(string: name.utf8)
    add(type.rawValue)
  }

  mutating func uint32(_ name: String, _ value: UInt32) {
    key(name, .uint32)
    add(value)
  }

  mutating func array(_ name: String, _ type: GGUFValueType, count: UInt64) {
    key(name, .array)
    add(type.rawValue)
    add(count)
  }

  mutating func tensor(
    _ name: String = "t", dimensions: [UInt64] = [32], type: UInt32 = GGMLType.f32.rawValue, offset: UInt64 = 0
  ) {
    add(string: name.utf8)
    add(UInt32(dimensions.count))
    for dimension in dimensions { add(dimension) }
    add(type)
    add(offset)
  }

  /// Fills up to the data section and appends `count` bytes of data.
  mutating func data(_ count: Int, alignment: Int = 32) {
    bytes += Array(repeating: 0, count: (alignment - bytes.count % alignment) % alignment + count)
  }

  func open() throws -> GGUFFile {
    // The mapping outlives the file's name.
    let directory = try TemporaryDirectory()
    return try GGUFFile(path: directory.write("raw.gguf", bytes))
  }

  /// Expects that the file is refused for breaking the given rule.
  func expect(
    _ malformation: GGUFMalformation, at offset: Int? = nil, location: SourceLocation = #_sourceLocation
  ) throws {
    let error = #expect(throws: GGUFError.self, sourceLocation: location) { _ = try open() }
    guard case .malformed(let path, let found, let kind, _, _) = error else {
      Issue.record("not malformed but \(String(describing: error))", sourceLocation: location)
      return
    }
    #expect(kind == malformation, "\(String(describing: error))", sourceLocation: location)
    if let offset { #expect(found == offset, sourceLocation: location) }
    #expect(error?.description.contains("\(path), byte \(found)") == true, sourceLocation: location)
  }
}
