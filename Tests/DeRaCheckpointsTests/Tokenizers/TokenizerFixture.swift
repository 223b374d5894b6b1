import DeRaCheckpoints
import DeRaGGUF
import DeRaPlatform
import DeRaTestSupport
import DeRaTokenization
import Testing

/// The fixtures of Tests/Fixtures/tokenizers; `generate.py` there describes the formats.
enum TokenizerFixture {
  static let directory = Fixtures.directory + "/tokenizers"

  /// The texts, as bytes that need not be UTF-8.
  static func lines() throws -> [[UInt8]] {
    var reader = try FixtureReader(path: "\(directory)/lines.bin")
    var lines: [[UInt8]] = []
    for _ in 0..<reader.u32() { lines.append(reader.bytes(Int(reader.u32()))) }
    return lines
  }

  /// The oracle's result for one line.
  struct Expectation {
    var plainHash: UInt32
    var specialHash: UInt32
    var textHash: UInt32
    /// The ids without special tokens, for the first lines only.
    var ids: [Int32]?
  }

  static func expectations(path: String) throws -> [Expectation] {
    var reader = try FixtureReader(path: path)
    let count = Int(reader.u32())
    let full = Int(reader.u32())
    var result = (0..<count).map { _ in
      Expectation(plainHash: reader.u32(), specialHash: reader.u32(), textHash: reader.u32())
    }
    for line in 0..<full { result[line].ids = (0..<reader.u32()).map { _ in Int32(bitPattern: reader.u32()) } }
    return result
  }

  /// FNV-1a.
  static func hash(_ bytes: some Sequence<UInt8>) -> UInt32 {
    bytes.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
  }

  static func hash(ids: [Int32]) -> UInt32 {
    hash(ids.lazy.flatMap { id in (0..<4).map { UInt8(truncatingIfNeeded: id >> (8 * $0)) } })
  }

  /// Encodes and decodes every line, at once and as a stream, and compares.
  static func check(_ tokenizer: Tokenizer, against expected: [Expectation], parseSpecial: Bool = true) throws {
    let lines = try lines()
    #expect(lines.count == expected.count && lines.count >= 2000)
    var failures = 0
    for (index, (line, expected)) in zip(lines, expected).enumerated() where failures < 5 {
      let plain = try encode(line, tokenizer, addSpecial: false, parseSpecial: parseSpecial)
      let special = try encode(line, tokenizer, addSpecial: true, parseSpecial: parseSpecial)
      let text = tokenizer.decode(plain, skipSpecial: true)
      let comment: Comment = "line \(index): \(String(decoding: line, as: UTF8.self).debugDescription)"
      if let ids = expected.ids { #expect(plain == ids, comment) }
      let streamed = stream(plain, tokenizer)
      #expect(streamed == text, comment)
      #expect(hash(ids: plain) == expected.plainHash, "\(comment) gives \(plain)")
      #expect(hash(ids: special) == expected.specialHash, comment)
      #expect(hash(text) == expected.textHash, "\(comment) becomes \(String(decoding: text, as: UTF8.self))")
      if hash(ids: plain) != expected.plainHash || hash(text) != expected.textHash { failures += 1 }
    }
  }

  private static func encode(
    _ line: [UInt8], _ tokenizer: Tokenizer, addSpecial: Bool, parseSpecial: Bool
  ) throws -> [Int32] {
    try line.withUnsafeBytes { try tokenizer.encode($0, addSpecial: addSpecial, parseSpecial: parseSpecial) }
  }

  private static func stream(_ ids: [Int32], _ tokenizer: Tokenizer) -> [UInt8] {
    var decoder = tokenizer.streamingDecoder(skipSpecial: true)
    var text: [UInt8] = []
    for id in ids { text += decoder.append(id).utf8 }
    return text + decoder.finish().utf8
  }
}

/// Little-endian values one after another.
private struct FixtureReader {
  let file: MappedFile
  var position = 0

  init(path: String) throws { file = try MappedFile(path: path) }

  mutating func u32() -> UInt32 {
    defer { position += 4 }
    return UInt32(littleEndian: file.bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    defer { position += count }
    return Array(file.bytes[position..<(position + count)])
  }
}
