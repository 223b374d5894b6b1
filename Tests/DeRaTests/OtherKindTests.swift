import DeRa
import DeRaBundle
import DeRaGGUF
import DeRaPlatform
import DeRaTestSupport
import Testing

/// Files that are taken for bundles by mistake.
@Suite struct OtherKindTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func expect(_ kind: OtherKind, _ path: String, location: SourceLocation = #_sourceLocation) {
    #expect(throws: BundleError.notABundle(path: path, kind), sourceLocation: location) {
      _ = try ModelBundle(mapping: path)
    }
  }

  @Test func filesAreNamedForWhatTheyAre() throws {
    let family = Fixtures.family
    expect(.checkpoint, "\(family)/reference")
    expect(.safetensors, "\(family)/reference/model.safetensors")
    expect(.file, "\(family)/reference/config.json")
    expect(.directory, directory.path)
    expect(.empty, try directory.write("empty", ""))
    expect(.file, try directory.write("short", "GG"))
    expect(.file, try directory.write("text", "# A text\n"))
    _ = try directory.write("adapter_config.json", "{}")
    expect(.adapter, directory.path)
    let packed = "\(directory.path)/a.dera.lz4"
    _ = try PackedBundle.pack(Fixtures.storyteller, to: packed, level: 1)
    expect(.packedBundle, packed)
  }

  /// A bundle that was cut short is damaged, not something else.
  @Test func aCutBundleIsABundle() throws {
    let file = try MappedFile(path: Fixtures.storyteller)
    let cut = try directory.write("cut.dera", withExtendedLifetime(file) { Array(file.bytes.prefix(1000)) })
    let error = #expect(throws: (any Error).self) { _ = try ModelBundle(mapping: cut) }
    #expect(error is GGUFError)
  }
}
