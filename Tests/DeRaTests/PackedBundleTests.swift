import DeRa
import DeRaCompression
import DeRaPlatform
import DeRaTestSupport
import FoundationEssentials
import Testing

/// The transport form, of the bundle that this repository ships.
@Suite struct PackedBundleTests {
  private let bundle = Fixtures.storyteller
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func bytes(_ path: String) throws -> [UInt8] {
    let file = try MappedFile(path: path)
    return withExtendedLifetime(file) { Array(file.bytes) }
  }

  private func write(_ bytes: [UInt8], to name: String) throws -> String {
    let file = try AtomicFile(path: "\(directory.path)/\(name)")
    try bytes.withUnsafeBytes { try file.write($0) }
    try file.commit()
    return file.path
  }

  @Test("a bundle comes back as it was, and is kept under its content's name") func roundTrip() throws {
    let packedPath = "\(directory.path)/a.dera.lz4"
    var steps: [Int] = []
    let count = try PackedBundle.pack(bundle, to: packedPath, level: 1) { done, total in
      steps.append(done)
      #expect(done <= total)
    }
    #expect(try bytes(packedPath).count == count && steps.last == (try bytes(bundle).count))
    let packed = try #require(try PackedBundle(path: packedPath))
    #expect(packed.content?.bytes == steps.last)
    try packed.unpack(to: "\(directory.path)/b.dera")
    #expect(try bytes("\(directory.path)/b.dera") == bytes(bundle))

    var calls = 0
    let cache = "\(directory.path)/cache/deeper"
    let expanded = try packed.expanded(in: cache) { _, _ in calls += 1 }
    #expect(expanded == "\(cache)/\(try #require(packed.content).sha256).dera" && calls > 0)
    #expect(try bytes(expanded) == bytes(bundle))
    calls = 0
    #expect(try packed.expanded(in: cache) { _, _ in calls += 1 } == expanded)
    #expect(calls == 0, "the second time nothing is expanded")
    #expect(directory.files.allSatisfy { !$0.hasSuffix(".part") })
  }

  @Test("a damaged file is found although its bundle is there") func damagedBesideCache() throws {
    let path = "\(directory.path)/a.dera.lz4"
    _ = try PackedBundle.pack(bundle, to: path, level: 1)
    let cache = "\(directory.path)/cache"
    _ = try #require(try PackedBundle(path: path)).expanded(in: cache)
    // A copy is checked once.
    let copy = try write(try bytes(path), to: "copy.lz4")
    var calls = 0
    for expected in [true, false] {
      calls = 0
      _ = try #require(try PackedBundle(path: copy)).expanded(in: cache) { _, _ in calls += 1 }
      #expect((calls > 0) == expected)
    }
    var damaged = try bytes(path)
    damaged[damaged.count / 2] ^= 1
    let other = try write(damaged, to: "damaged.lz4")
    #expect(throws: PackedBundleError.self) {
      try #require(try PackedBundle(path: other)).expanded(in: cache)
    }
  }

  @Test("frames of other programs are unpacked, but not run as they are") func foreignFrame() throws {
    var frame: [UInt8] = []
    try bytes(bundle).withUnsafeBytes { try LZ4.compress($0, level: 1) { frame += $0 } }
    let packed = try #require(try PackedBundle(path: write(frame, to: "foreign.lz4")))
    #expect(packed.content == nil)
    try packed.unpack(to: "\(directory.path)/c.dera")
    #expect(try bytes("\(directory.path)/c.dera") == bytes(bundle))
    #expect(throws: PackedBundleError.noNote(path: packed.path)) { try packed.expanded(in: directory.path) }
  }

  @Test("what is no packed bundle, damaged or something else leaves nothing behind") func refusals() throws {
    #expect(try PackedBundle(path: bundle) == nil)
    let path = "\(directory.path)/a.dera.lz4"
    _ = try PackedBundle.pack(bundle, to: path, level: 1)
    var damaged = try bytes(path)
    damaged[damaged.count / 2] ^= 1
    var renamed = try bytes(path)
    renamed[30] ^= 1  // in the digest
    var text: [UInt8] = []
    try Array("no bundle".utf8).withUnsafeBytes { try LZ4.compress($0, level: 1) { text += $0 } }
    let cut = Array(try bytes(path).dropLast(10))
    for (name, bytes) in [("damaged", damaged), ("renamed", renamed), ("text", text), ("cut", cut)] {
      let packed = try #require(try PackedBundle(path: write(bytes, to: name)))
      #expect(throws: PackedBundleError.self, "\(name)") { try packed.unpack(to: "\(directory.path)/out.dera") }
      #expect(!directory.files.contains { $0.hasPrefix("out.dera") })
    }
    let other = try write(Array("GGUF, but not one".utf8), to: "other.dera")
    #expect(throws: (any Error).self) { try PackedBundle.pack(other, to: "\(directory.path)/other.lz4", level: 1) }
    #expect(!directory.files.contains { $0.hasPrefix("other.lz4") })
  }

  @Test("a bomb is refused before it fills the disk") func bombs() throws {
    let zeros = [UInt8](repeating: 0, count: 1 << 26)
    let garbage = Array("GGUF".utf8) + [UInt8](repeating: 0xFF, count: 60) + zeros
    // A header that never ends: a string of a gigabyte.
    let endless =
      Array("GGUF".utf8) + [3, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + [1, 0, 0, 0, 0, 0, 0, 0]
      + [1, 0, 0, 0, 0, 0, 0, 0, 97, 8, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0] + zeros + zeros
    for (name, content) in [("garbage", garbage), ("endless", endless), ("longer", try bytes(bundle) + zeros)] {
      var frame: [UInt8] = []
      try content.withUnsafeBytes { try LZ4.compress($0, level: 1) { frame += $0 } }
      let packed = try #require(try PackedBundle(path: write(frame, to: "\(name).lz4")))
      var done = 0
      #expect(throws: PackedBundleError.self, "\(name)") {
        try packed.unpack(to: "\(directory.path)/out.dera") { position, _ in done = position }
      }
      #expect(done < frame.count, "\(name): all of it was expanded")
      #expect(!directory.files.contains { $0.hasPrefix("out.dera") })
    }
  }

  @Test("an interrupted expansion leaves nothing behind") func interruption() throws {
    struct Stop: Error {}
    let path = "\(directory.path)/a.dera.lz4"
    _ = try PackedBundle.pack(bundle, to: path, level: 1)
    let packed = try #require(try PackedBundle(path: path))
    #expect(throws: Stop.self) {
      try packed.unpack(to: "\(directory.path)/out.dera") { _, _ in throw Stop() }
    }
    #expect(directory.files == ["a.dera.lz4"])
  }
}
