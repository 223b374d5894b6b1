import DeRaGGUF
import DeRaTestSupport
import Testing

/// A file written by PyPI's gguf (Fixtures/gguf/generate.py).
struct InteroperabilityTests {
  static let path = Fixtures.directory + "/gguf/reader.gguf"

  @Test func everyMetadataTypeIsRead() throws {
    let file = try GGUFFile(path: Self.path)
    let expected: [(key: String, value: GGUFValue)] = [
      ("general.architecture", .string("none")),
      ("a.uint8", .uint8(200)), ("a.int8", .int8(-7)), ("a.uint16", .uint16(65_000)), ("a.int16", .int16(-300)),
      ("a.uint32", .uint32(.max)), ("a.int32", .int32(.min)), ("a.uint64", .uint64(.max)), ("a.int64", .int64(.min)),
      ("a.float32", .float32(0.5)), ("a.float64", .float64(0.1)), ("a.bool", .bool(true)),
      ("a.string", .string("héllo 😀")), ("a.int32s", .array(GGUFArray(int32s: [1, -2, 3]))),
      ("a.float32s", .array(GGUFArray(float32s: [0.5, -1.5]))), ("a.bools", .array(GGUFArray(bools: [true, false]))),
      ("a.strings", .array(GGUFArray(strings: ["", "é", "<s>"]))),
    ]
    #expect(file.metadata.map(\.key).filter { !$0.hasPrefix("types.") } == expected.map(\.key))
    for (key, value) in expected { #expect(file[key] == value) }
  }

  @Test func everyTensorTypeHasGGUFsNameAndBlockSize() throws {
    let file = try GGUFFile(path: Self.path)
    let types = GGMLType.allCases
    #expect(try file.array("types.names", of: .string).strings == types.map(\.name))
    #expect(try file.array("types.raw_values", of: .int32).integers == types.map { Int($0.rawValue) })
    #expect(try file.array("types.elements", of: .int32).integers == types.map(\.blockElements))
    // gguf keeps the 40 bytes that ggml's q8_1 had before its scale and sum became halves; no file holds that type.
    let bytes = types.map { $0 == .q8_1 ? $0.blockBytes + 4 : $0.blockBytes }
    #expect(try file.array("types.bytes", of: .int32).integers == bytes)
  }

  @Test func tensorsAreRead() throws {
    let file = try GGUFFile(path: Self.path)
    let ramp = try #require(file.tensor(named: "ramp"))
    #expect(ramp.type == .f32)
    #expect(ramp.dimensions == [3, 2])
    #expect(ramp.rows == 2)
    #expect(ramp.columns == 3)
    let values = (0..<6).map { file.bytes(of: ramp).loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    #expect(values == [0, 1, 2, 3, 4, 5])
    #expect(file.tensor(named: "half")?.type == .f16)
    #expect(file.tensor(named: "half")?.byteRange.count == 8)
  }
}
