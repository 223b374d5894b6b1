import DeRaGGUF
import DeRaTestSupport
import Testing

/// Damaged copies of a valid file are refused or read whole; nothing crashes.
struct FuzzTests {
  private static let valid: RawGGUF = {
    var raw = RawGGUF(tensors: 3, keys: 5)
    raw.uint32("general.alignment", 64)
    raw.key("flag", .bool)
    raw.add(UInt8(1))
    raw.array("strings", .string, count: 3)
    for text in ["", "two", "three"] { raw.add(string: text.utf8) }
    raw.array("numbers", .int32, count: 4)
    for number in 0..<4 as Range<Int32> { raw.add(number) }
    raw.array("flags", .bool, count: 2)
    raw.bytes += [0, 1]
    raw.tensor("one", dimensions: [32, 2], offset: 0)
    raw.tensor("two", dimensions: [64, 1, 2, 1], type: GGMLType.q4_1.rawValue, offset: 256)
    raw.tensor("three", dimensions: [256], type: GGMLType.q6_K.rawValue, offset: 384)
    raw.data(384 + 210, alignment: 64)
    return raw
  }()

  @Test func bitFlipsAndTruncationsNeverCrash() throws {
    let seed: UInt64 = 240_202_992
    print("bitFlipsAndTruncationsNeverCrash: seed \(seed)")
    var random = SeededGenerator(seed: seed)
    _ = try Self.valid.open()
    var opened = 0
    for _ in 0..<2500 {
      var raw = Self.valid
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        raw.bytes[Int.random(in: 0..<raw.bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
      if Bool.random(using: &random) {
        // Eight bytes of ones or of a huge power of two: lengths, counts, dimensions, offsets.
        let start = Int.random(in: 0..<raw.bytes.count - 8, using: &random)
        raw.bytes.replaceSubrange(start..<start + 7, with: Array(repeating: 0xff, count: 7))
      }
      if Int.random(in: 0..<4, using: &random) == 0 {
        raw.bytes.removeLast(Int.random(in: 0..<raw.bytes.count, using: &random))
      }
      guard let file = try? raw.open() else { continue }
      opened += 1
      readAll(file)
    }
    #expect((1..<2500).contains(opened))
  }

  private func readAll(_ file: GGUFFile) {
    var sum = 0
    for tensor in file.tensors {
      for byte in file.bytes(of: tensor) { sum &+= Int(byte) }
    }
    for case (_, .array(let array)) in file.metadata {
      array.forEachString { sum &+= $1.count }
      #expect(array.strings.map { $0.count == array.count } ?? true)
      #expect(array.integers.map { $0.count == array.count } ?? true)
    }
    #expect(sum != .max)
  }
}
