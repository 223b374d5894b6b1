import GGUF
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
}
