import DeRaCompression
import Testing

@Suite struct LZ4Tests {
  private func compressed(_ bytes: [UInt8], level: Int = 1) throws -> [UInt8] {
    var frame: [UInt8] = []
    try bytes.withUnsafeBytes { try LZ4.compress($0, level: level) { frame += $0 } }
    return frame
  }

  private func expanded(_ frame: [UInt8], limit: Int = .max) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try frame.withUnsafeBytes { try LZ4.expand($0, limit: limit) { bytes += $0 } }
    return bytes
  }

  /// Bytes that repeat now and then.
  private func sample(_ count: Int) -> [UInt8] {
    var state = UInt64(count)
    return (0..<count).map { index in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return index % 100 < 50 ? UInt8(state >> 56) : UInt8(truncatingIfNeeded: index / 1000)
    }
  }

  @Test("what goes in comes out, also over several blocks", arguments: [0, 1, 65_535, 4 << 20, (9 << 20) + 7], [1, 9])
  func roundTrips(count: Int, level: Int) throws {
    let bytes = sample(count)
    let frame = try compressed(bytes, level: level)
    #expect(frame.withUnsafeBytes { LZ4.isFrame($0) })
    #expect(try expanded(frame) == bytes)
    if count > 1000 { #expect(frame.count < bytes.count) }
  }

  @Test("progress ends with everything") func progress() throws {
    let bytes = sample(9 << 20)
    var steps: [Int] = []
    var frame: [UInt8] = []
    try bytes.withUnsafeBytes { try LZ4.compress($0, level: 1, write: { frame += $0 }, progress: { steps.append($0) }) }
    #expect(steps == [4 << 20, 8 << 20, 9 << 20])
    steps = []
    try frame.withUnsafeBytes { try LZ4.expand($0, write: { _ in }, progress: { steps.append($0) }) }
    #expect(steps.last == frame.count && steps == steps.sorted())
  }

  /// Made by lz4 1.9.4: `printf 'hello hello hello hello\n' | lz4 | xxd -i`.
  private let foreign: [UInt8] = [
    0x04, 0x22, 0x4d, 0x18, 0x64, 0x40, 0xa7, 0x0f, 0x00, 0x00, 0x00, 0x69, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x20, 0x06,
    0x00, 0x50, 0x65, 0x6c, 0x6c, 0x6f, 0x0a, 0x00, 0x00, 0x00, 0x00, 0xe2, 0xff, 0x03, 0x42,
  ]

  @Test("frames of other programs are read") func foreignFrame() throws {
    #expect(String(decoding: try expanded(foreign), as: UTF8.self) == "hello hello hello hello\n")
  }

  @Test("notes are read, and skipped") func notes() throws {
    let note = LZ4.note([1, 2, 3])
    let frame = note + LZ4.note([]) + (try compressed([7, 8, 9]))
    #expect(frame.withUnsafeBytes { LZ4.note(of: $0).map { Array($0) } } == [1, 2, 3])
    #expect(try expanded(frame) == [7, 8, 9])
    #expect(try compressed([7]).withUnsafeBytes { LZ4.note(of: $0) == nil })
    for end in 0..<note.count { #expect(note[..<end].withUnsafeBytes { LZ4.note(of: $0) == nil }) }
  }

  @Test("every cut is found") func truncation() throws {
    let frame = LZ4.note([1, 2, 3]) + (try compressed(sample(300)))
    for end in 0..<frame.count { #expect(throws: LZ4Error.self, "\(end)") { try expanded(Array(frame[..<end])) } }
  }

  @Test("a changed byte is found, or it is in a note")
  func damage() throws {
    let bytes = sample(5000)
    let frame = try compressed(bytes)
    for index in frame.indices {
      var damaged = frame
      damaged[index] ^= 0x10
      #expect(throws: LZ4Error.self, "\(index)") { try expanded(damaged) }
    }
  }

  @Test func whatFollowsIsRefused() throws {
    let frame = try compressed([1, 2, 3])
    #expect(throws: LZ4Error.trailingBytes(1)) { try expanded(frame + [0]) }
    #expect(throws: LZ4Error.notAFrame) { try expanded([0x47, 0x47, 0x55, 0x46, 0, 0]) }
    #expect(throws: LZ4Error.notAFrame) { try expanded([]) }
  }

  @Test func contentIsLimited() throws {
    let frame = try compressed([UInt8](repeating: 0, count: 1 << 20))
    #expect(frame.count < 10_000)
    #expect(throws: LZ4Error.tooLong(limit: 1000)) { try expanded(frame, limit: 1000) }
    #expect(try expanded(frame, limit: 1 << 20).count == 1 << 20)
  }

  @Test func whatTheReceiverThrowsArrives() throws {
    struct Stop: Error {}
    let frame = try compressed(sample(100))
    #expect(throws: Stop.self) { try frame.withUnsafeBytes { try LZ4.expand($0) { _ in throw Stop() } } }
  }
}
