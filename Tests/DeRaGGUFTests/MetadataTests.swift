import DeRaGGUF
import Testing

/// Typed access to metadata.
struct MetadataTests {
  private func file() throws -> GGUFFile {
    var raw = RawGGUF(keys: 5)
    raw.uint32("count", 7)
    raw.key("big", .uint64)
    raw.add(UInt64.max)
    raw.key("half", .float32)
    raw.add(Float(0.5).bitPattern)
    raw.key("name", .string)
    raw.add(string: "llama".utf8)
    raw.array("texts", .string, count: 3)
    raw.add(string: [])
    raw.add(string: "two".utf8)
    raw.add(string: [0xff, 0x41])
    return try raw.open()
  }

  @Test func valuesOfTheRightType() throws {
    let file = try file()
    #expect(try file.int("count") == 7)
    #expect(try file.float("half") == 0.5)
    #expect(try file.float("count") == 7)
    #expect(try file.string("name") == "llama")
    #expect(try file.array("texts", of: .string).strings == ["", "two", "\u{FFFD}A"])
    #expect(file["count"] == .uint32(7))
  }

  @Test func absentKeys() throws {
    let file = try file()
    #expect(try file.intIfPresent("absent") == nil)
    #expect(file["absent"] == nil)
    let error = #expect(throws: GGUFError.self) { _ = try file.bool("absent") }
    #expect(error?.description.contains("absent") == true)
  }

  @Test func valuesOfTheWrongType() throws {
    let file = try file()
    #expect(throws: GGUFError.self) { _ = try file.string("count") }
    #expect(throws: GGUFError.self) { _ = try file.int("big") }
    #expect(throws: GGUFError.self) { _ = try file.int("half") }
    #expect(throws: GGUFError.self) { _ = try file.boolIfPresent("count") }
    #expect(throws: GGUFError.self) { _ = try file.float("name") }
  }

  @Test func arraysOfTheWrongElementType() throws {
    let file = try file()
    let error = #expect(throws: GGUFError.self) { _ = try file.array("texts", of: .int32) }
    guard case .wrongValue(_, "texts", "array of 3 string", "array of int32") = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    let texts = try file.array("texts", of: .string)
    #expect(texts.int32s == nil)
    #expect(texts.integers == nil)
    #expect(texts.float32s == nil)
  }

  @Test func integersOfEveryWidth() {
    #expect(GGUFArray(int8s: [-128, 127]).integers == [-128, 127])
    #expect(GGUFArray(int32s: [.min]).integers == [Int(Int32.min)])
    #expect(GGUFArray(uint64s: [5]).integers == [5])
    #expect(GGUFArray(uint64s: [.max]).integers == nil)
    #expect(GGUFArray(float32s: [1]).integers == nil)
  }

  @Test func stringBytesAreHandedOutInPlace() throws {
    let texts = try file().array("texts", of: .string)
    var seen: [[UInt8]] = []
    texts.forEachString { index, bytes in
      #expect(index == seen.count)
      seen.append(Array(bytes))
    }
    #expect(seen == [[], Array("two".utf8), [0xff, 0x41]])
  }
}
