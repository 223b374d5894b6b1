import DeRaGGUF
import DeRaPlatform
import DeRaTestSupport
import Testing

struct RoundTripTests {
  static let values: [(key: String, value: GGUFValue)] = [
    ("a.uint8", .uint8(200)), ("a.int8", .int8(-7)), ("a.uint16", .uint16(65_000)), ("a.int16", .int16(-300)),
    ("a.uint32", .uint32(.max)), ("a.int32", .int32(.min)), ("a.uint64", .uint64(.max)), ("a.int64", .int64(.min)),
    ("a.float32", .float32(0.1)), ("a.float64", .float64(0.1)), ("a.bool", .bool(true)),
    ("a.string", .string("héllo \u{1F600}")), ("a.empty", .string("")),
    ("a.int8s", .array(GGUFArray(int8s: [-1, 2, -3]))),
    ("a.int32s", .array(GGUFArray(int32s: [1, -2, .max]))),
    ("a.uint64s", .array(GGUFArray(uint64s: [1, .max]))),
    ("a.float32s", .array(GGUFArray(float32s: [1, -.infinity]))),
    ("a.bools", .array(GGUFArray(bools: [true, false]))),
    ("a.strings", .array(GGUFArray(strings: ["", "é", "<s>"]))),
    ("a.none", .array(GGUFArray(strings: []))),
  ]

  @Test func everythingWrittenIsReadBack() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/all.gguf"
    let tensors: [(name: String, type: GGMLType, dimensions: [Int])] = [
      ("bytes", .i8, [100, 3]), ("vector", .f32, [5]), ("blocks", .q4_0, [64, 2, 1, 1]),
    ]
    var writer = try GGUFWriter(metadata: Self.values, tensors: tensors)
    let file = try AtomicFile(path: path)
    try writer.writeHeader(to: file)
    var data: [[UInt8]] = []
    for (index, tensor) in writer.tensors.enumerated() {
      data.append((0..<tensor.byteRange.count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index) })
      for start in stride(from: 0, to: tensor.byteRange.count, by: 70) {
        try data[index][start..<min(start + 70, tensor.byteRange.count)].withUnsafeBytes { bytes in
          try writer.writeTensor(bytes, to: file)
        }
      }
    }
    try writer.finish()
    try file.commit()

    let read = try GGUFFile(path: path)
    #expect(read.version == 3)
    #expect(read.metadata.dropLast(2).elementsEqual(Self.values, by: ==))
    #expect(try read.int("general.alignment") == 64)
    #expect(read.tensors == writer.tensors)
    for (tensor, bytes) in zip(read.tensors, data) {
      #expect(read.bytes(of: tensor).elementsEqual(bytes))
      #expect(tensor.byteRange.lowerBound % 64 == 0)
    }
    #expect(read.tensors.first?.byteRange.lowerBound == 4_096)
    #expect(read.tensor(named: "blocks")?.rows == 2)
    #expect(read.tensor(named: "absent") == nil)
  }

  @Test func headerCanBeReplacedByOneOfTheSameSize() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/two.gguf"
    let tensors: [(name: String, type: GGMLType, dimensions: [Int])] = [("bytes", .i8, [3])]
    var first = try GGUFWriter(metadata: [("sum", .string("0000"))], tensors: tensors)
    let file = try AtomicFile(path: path)
    try first.writeHeader(to: file)
    try [1, 2, 3 as UInt8].withUnsafeBytes { try first.writeTensor($0, to: file) }
    let other = try GGUFWriter(metadata: [("sum", .string(String(repeating: "1", count: 5000)))], tensors: tensors)
    #expect(throws: GGUFError.self) { try other.rewriteHeader(of: first, in: file) }
    try GGUFWriter(metadata: [("sum", .string("cafe"))], tensors: tensors).rewriteHeader(of: first, in: file)
    try file.commit()
    let read = try GGUFFile(path: path)
    #expect(try read.string("sum") == "cafe")
    #expect(read.bytes(of: read.tensors[0]).elementsEqual([1, 2, 3]))
  }

  @Test func whatAReaderWouldRefuseIsNotWritten() throws {
    typealias Tensors = [(name: String, type: GGMLType, dimensions: [Int])]
    let lists: [Tensors] = [
      [("a", .f32, [1]), ("a", .f32, [1])], [("", .f32, [1])], [("a", .f32, [])], [("a", .f32, [0])],
      [("a", .f32, [1, 1, 1, 1, 1])], [("a", .q4_0, [33])], [("a", .f32, [-4])], [("a", .f32, [.max, 2])],
      [("a", .i8, [1 << 61]), ("b", .i8, [1 << 61]), ("c", .i8, [1 << 61])],
    ]
    for tensors in lists {
      #expect(throws: GGUFError.self) { _ = try GGUFWriter(metadata: [], tensors: tensors) }
    }
    for keys in [["a", "a"], [""], ["general.alignment"], ["dera.padding"]] {
      #expect(throws: GGUFError.self) {
        _ = try GGUFWriter(metadata: keys.map { ($0, .bool(true)) }, tensors: [])
      }
    }
  }

  @Test func unfinishedFilesAreNotFinished() throws {
    let directory = try TemporaryDirectory()
    let file = try AtomicFile(path: directory.path + "/short.gguf")
    var writer = try GGUFWriter(metadata: [], tensors: [("a", .i8, [10])])
    let bytes = [UInt8](repeating: 1, count: 11)
    #expect(throws: GGUFError.self) { try bytes[..<10].withUnsafeBytes { try writer.writeTensor($0, to: file) } }
    try writer.writeHeader(to: file)
    #expect(throws: GGUFError.self) { try writer.writeHeader(to: file) }
    #expect(throws: GGUFError.self) { try bytes.withUnsafeBytes { try writer.writeTensor($0, to: file) } }
    try bytes[..<9].withUnsafeBytes { try writer.writeTensor($0, to: file) }
    #expect(throws: GGUFError.self) { try writer.finish() }
    try bytes[..<1].withUnsafeBytes { try writer.writeTensor($0, to: file) }
    try writer.finish()
    #expect(throws: GGUFError.self) { try bytes[..<1].withUnsafeBytes { try writer.writeTensor($0, to: file) } }
  }
}
