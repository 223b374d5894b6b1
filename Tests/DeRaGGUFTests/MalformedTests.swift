import DeRaGGUF
import Testing

/// One test for every rule of the format that a file can break.
struct MalformedTests {
  // MARK: Header

  @Test func emptyFile() throws {
    var raw = RawGGUF()
    raw.bytes = []
    try raw.expect(.truncated, at: 0)
  }

  @Test func wrongMagic() throws {
    var raw = RawGGUF()
    raw.bytes[0] = 0
    try raw.expect(.notGGUF, at: 0)
  }

  @Test(arguments: [0, 1, 4, .max] as [UInt32]) func unsupportedVersion(version: UInt32) throws {
    try RawGGUF(version: version).expect(.unsupportedVersion, at: 4)
  }

  @Test func bigEndianFileIsNamedSo() throws {
    let error = #expect(throws: GGUFError.self) { _ = try RawGGUF(version: UInt32(3).byteSwapped).open() }
    #expect(error?.description.contains("big-endian") == true)
  }

  @Test(arguments: [1, 1 << 20, 1 << 63, .max] as [UInt64]) func hugeTensorCount(count: UInt64) throws {
    try RawGGUF(tensors: count).expect(.tooMany, at: 8)
  }

  @Test(arguments: [1, 1 << 20, 1 << 63, .max] as [UInt64]) func hugeKeyCount(count: UInt64) throws {
    try RawGGUF(keys: count).expect(.tooMany, at: 16)
  }

  @Test func countsAboveTheCapsAreRefusedThoughTheyFit() throws {
    var raw = RawGGUF(keys: UInt64(GGUFLimits.metadataKeys) + 1)
    raw.bytes += Array(repeating: 0, count: 2 << 20)
    try raw.expect(.tooMany, at: 16)
  }

  @Test func truncatedAtEveryByteOfTheHeader() throws {
    var raw = RawGGUF(tensors: 2, keys: 4)
    raw.uint32("general.alignment", 64)
    raw.key("text", .string)
    raw.add(string: "some text".utf8)
    raw.array("strings", .string, count: 2)
    raw.add(string: "one".utf8)
    raw.add(string: "two".utf8)
    raw.array("numbers", .float64, count: 2)
    raw.add(UInt64(1))
    raw.add(UInt64(2))
    raw.tensor("first", dimensions: [32, 2], offset: 0)
    raw.tensor("second", dimensions: [64], type: GGMLType.q8_0.rawValue, offset: 256)
    raw.data(256 + 68, alignment: 64)
    #expect(try raw.open().tensors.count == 2)
    for length in 0..<raw.bytes.count {
      var cut = raw
      cut.bytes.removeLast(raw.bytes.count - length)
      #expect(throws: GGUFError.self) { _ = try cut.open() }
    }
  }

  // MARK: Metadata

  @Test(arguments: [100, 1 << 62, .max] as [UInt64]) func stringBeyondTheEnd(length: UInt64) throws {
    var raw = RawGGUF(keys: 1)
    raw.key("text", .string)
    raw.add(length)
    raw.data(8)
    try raw.expect(.truncated, at: 24 + 8 + 4 + 4)
  }

  @Test func stringInAnArrayBeyondTheEnd() throws {
    var raw = RawGGUF(keys: 1)
    raw.array("texts", .string, count: 2)
    raw.add(string: "one".utf8)
    raw.add(UInt64.max)
    raw.data(0)
    try raw.expect(.truncated)
  }

  @Test(arguments: [GGUFValueType.uint8, .float64, .string]) func hugeArrayCount(type: GGUFValueType) throws {
    for count in [65, 1 << 61, UInt64.max] {
      var raw = RawGGUF(keys: 1)
      raw.array("list", type, count: count)
      raw.bytes += Array(repeating: 0, count: 64)
      try raw.expect(.tooMany, at: 24 + 8 + 4 + 4 + 4)
    }
  }

  @Test func nestedArray() throws {
    var raw = RawGGUF(keys: 1)
    raw.array("list", .array, count: 1)
    raw.bytes += Array(repeating: 0, count: 64)
    try raw.expect(.nestedArray, at: 24 + 8 + 4 + 4)
  }

  @Test(arguments: [13, 255, .max] as [UInt32]) func unknownValueType(type: UInt32) throws {
    var raw = RawGGUF(keys: 1)
    raw.add(string: "key".utf8)
    raw.add(type)
    raw.add(UInt64(0))
    try raw.expect(.unknownValueType, at: 24 + 8 + 3)
  }

  @Test func unknownArrayElementType() throws {
    var raw = RawGGUF(keys: 1)
    raw.key("list", .array)
    raw.add(UInt32(13))
    raw.add(UInt64(0))
    try raw.expect(.unknownValueType)
  }

  @Test func badBool() throws {
    var raw = RawGGUF(keys: 1)
    raw.key("flag", .bool)
    raw.add(UInt8(2))
    try raw.expect(.badBool)
  }

  @Test func badBoolInAnArray() throws {
    var raw = RawGGUF(keys: 1)
    raw.array("flags", .bool, count: 3)
    raw.bytes += [0, 1, 7]
    try raw.expect(.badBool)
  }

  @Test func emptyKey() throws {
    var raw = RawGGUF(keys: 1)
    raw.uint32("", 1)
    try raw.expect(.badName, at: 24)
  }

  @Test func keyAboveTheCap() throws {
    var raw = RawGGUF(keys: 1)
    raw.uint32(String(repeating: "k", count: GGUFLimits.keyBytes + 1), 1)
    try raw.expect(.badName, at: 24)
  }

  @Test func keyOrTextThatIsNotUTF8() throws {
    var key = RawGGUF(keys: 1)
    key.add(string: [0x6b, 0xff, 0xfe])
    key.add(GGUFValueType.uint32.rawValue)
    key.add(UInt32(1))
    try key.expect(.badText, at: 24 + 8)
    var text = RawGGUF(keys: 1)
    text.key("text", .string)
    text.add(string: [0xc3])
    try text.expect(.badText)
  }

  @Test func duplicateKey() throws {
    var raw = RawGGUF(keys: 2)
    raw.uint32("key", 1)
    raw.uint32("key", 2)
    try raw.expect(.duplicateKey, at: 24 + 8 + 3 + 4 + 4)
  }

  @Test(arguments: [0, 1, 4, 24, 33, 0x8000_0001] as [UInt32]) func badAlignment(alignment: UInt32) throws {
    var raw = RawGGUF(keys: 1)
    raw.uint32("general.alignment", alignment)
    raw.data(64)
    try raw.expect(.badAlignment)
  }

  @Test func alignmentOfAnotherType() throws {
    var raw = RawGGUF(keys: 1)
    raw.key("general.alignment", .uint64)
    raw.add(UInt64(32))
    let error = #expect(throws: GGUFError.self) { _ = try raw.open() }
    guard case .wrongValue(_, "general.alignment", "uint64", "uint32") = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// The greatest alignment that fits leaves no room for data, without overflow.
  @Test func hugeAlignment() throws {
    var raw = RawGGUF(tensors: 1, keys: 1)
    raw.uint32("general.alignment", 1 << 31)
    raw.tensor()
    raw.data(128)
    try raw.expect(.truncated)
  }

  // MARK: Tensors

  @Test func emptyTensorName() throws {
    var raw = RawGGUF(tensors: 1)
    raw.tensor("")
    raw.data(128)
    try raw.expect(.badName, at: 24)
  }

  @Test func tensorNameAboveTheCap() throws {
    var raw = RawGGUF(tensors: 1)
    raw.tensor(String(repeating: "t", count: GGUFLimits.tensorNameBytes + 1))
    raw.data(128)
    try raw.expect(.badName, at: 24)
  }

  @Test func tensorNameThatIsNotUTF8() throws {
    var raw = RawGGUF(tensors: 1)
    raw.tensor("tt")
    raw.bytes[24 + 8] = 0xff
    raw.data(128)
    try raw.expect(.badText, at: 24 + 8)
  }

  @Test(arguments: [[], [1, 1, 1, 1, 1]] as [[UInt64]]) func dimensionCount(dimensions: [UInt64]) throws {
    var raw = RawGGUF(tensors: 1)
    raw.tensor(dimensions: dimensions)
    raw.data(128)
    try raw.expect(.badDimensions, at: 24 + 8 + 1)
  }

  @Test func hugeDimensionCount() throws {
    var raw = RawGGUF(tensors: 1)
    raw.add(string: "t".utf8)
    raw.add(UInt32.max)
    raw.data(128)
    try raw.expect(.badDimensions)
  }

  @Test(arguments: [[0], [32, 0], [1 << 63], [32, .max]] as [[UInt64]])
  func zeroOrNegativeDimension(dimensions: [UInt64]) throws {
    var raw = RawGGUF(tensors: 1)
    raw.tensor(dimensions: dimensions)
    raw.data(128)
    try raw.expect(.badDimensions)
  }

  @Test(arguments: [[1 << 61], [1 << 32, 1 << 32], [1 << 31, 1 << 31, 4], [1 << 62, 2]] as [[UInt64]])
  func dimensionProductOverflows(dimensions: [UInt64]) throws {
    var raw = RawGGUF(tensors: 1)
    raw.tensor(dimensions: dimensions)
    raw.data(128)
    try raw.expect(.sizeOverflow, at: 24)
  }

  @Test func offsetPlusSizeOverflows() throws {
    for offset: UInt64 in [UInt64(Int.max) - 31, 1 << 63, .max - 31] {
      var raw = RawGGUF(tensors: 1)
      raw.tensor(dimensions: [256], offset: offset)
      raw.data(1024)
      try raw.expect(.sizeOverflow)
    }
  }

  @Test(arguments: [4, 5, 31, 32, 33, 42, .max] as [UInt32]) func unknownTensorType(type: UInt32) throws {
    var raw = RawGGUF(tensors: 1)
    raw.tensor(type: type)
    raw.data(128)
    try raw.expect(.unknownTensorType)
  }

  @Test func rowIsNotWholeBlocks() throws {
    for (type, columns) in [(GGMLType.q4_0, 48), (.q8_0, 1), (.q4_K, 128), (.q6_K, 300)] as [(GGMLType, UInt64)] {
      var raw = RawGGUF(tensors: 1)
      raw.tensor(dimensions: [columns, 16], type: type.rawValue)
      raw.data(1 << 16)
      try raw.expect(.partialBlock, at: 24)
    }
  }

  @Test func misalignedOffset() throws {
    for offset: UInt64 in [1, 16, 33] {
      var raw = RawGGUF(tensors: 1)
      raw.tensor(offset: offset)
      raw.data(256)
      try raw.expect(.misalignedTensor)
    }
  }

  @Test func dataBeyondTheEnd() throws {
    for offset: UInt64 in [32, 1 << 40] {
      var raw = RawGGUF(tensors: 1)
      raw.tensor(offset: offset)
      raw.data(128)
      try raw.expect(.truncated, at: 24)
    }
  }

  @Test func duplicateTensor() throws {
    var raw = RawGGUF(tensors: 2)
    raw.tensor("same", offset: 0)
    raw.tensor("same", offset: 128)
    raw.data(256)
    try raw.expect(.duplicateTensor)
  }

  @Test(arguments: [(0, 96), (96, 96), (96, 0)] as [(UInt64, UInt64)])
  func overlappingTensors(first: UInt64, second: UInt64) throws {
    var raw = RawGGUF(tensors: 2)
    raw.tensor("first", offset: first)
    raw.tensor("second", offset: second)
    raw.data(512)
    try raw.expect(.overlappingTensors)
  }

  // MARK: What is allowed

  @Test func versionTwoAndGapsAndAnyOrderAreRead() throws {
    var raw = RawGGUF(version: 2, tensors: 2)
    raw.tensor("late", dimensions: [3], offset: 256)
    raw.tensor("early", dimensions: [5], offset: 0)
    raw.data(256 + 12)
    let file = try raw.open()
    #expect(file.version == 2)
    #expect(file.tensors.map(\.name) == ["late", "early"])
    #expect(file.tensors.map(\.byteRange.count) == [12, 20])
  }

  @Test func fileWithoutTensorsOrKeysIsRead() throws {
    let file = try RawGGUF().open()
    #expect(file.tensors.isEmpty)
    #expect(file.metadata.isEmpty)
  }
}
