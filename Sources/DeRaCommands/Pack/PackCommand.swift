import ArgumentParser
import DeRa
import DeRaCompression
import DeRaConsole
import DeRaPlatform
import DeRaText

struct PackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pack",
    abstract: "Compresses a bundle for transport.",
    discussion: """
      The result is an LZ4 frame with a checksum, which dera unpack and every lz4 program expand. Commands also take it in \
      a bundle's place: it is then expanded once, to $XDG_CACHE_HOME/dera or ~/.cache/dera. Weights look random, so expect \
      little (0.4 to 3 % of SmolLM2's), more of differences between bfloat16 models (12 %).

      Examples:
        dera pack model.dera
        dera pack model.dera -o /media/stick/model.dera.lz4 --level 9
        dera run model.dera.lz4 "Why is the sky blue?"
      """)

  @Argument(help: "The model bundle, a .dera file.", completion: .file(extensions: ["dera"])) var bundle: String
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file to write (default: the bundle's name and .lz4).", valueName: "file"))
  var output: String?
  @Option(help: ArgumentHelp("1 (fastest) to 12 (smallest).", valueName: "number")) var level = 1
  @Flag(help: "Print the figures as JSON.") var json = false

  func validate() throws {
    guard LZ4.levels.contains(level) else { throw ValidationError("--level must be from 1 to 12") }
  }

  func run() throws {
    let output = output ?? bundle + PackedBundle.suffix
    guard !FileIdentity.isSame(output, bundle) else { throw OutputError.isBundle(output) }
    var bytes = 0
    let packed = try withProgress("packing") { progress in
      try PackedBundle.pack(bundle, to: output, level: level) { done, total in
        bytes = total
        try progress(done, total)
      }
    }
    let report = PackReport(path: output, bundleBytes: bytes, packedBytes: packed)
    try json ? Output.write(jsonText(report)) : Output.note(report.text)
  }
}

/// The result of packing.
package struct PackReport: Encodable {
  /// Less is not worth the time of expanding.
  private static let worthwhile = 0.1

  package var path: String
  package var bundleBytes: Int
  package var packedBytes: Int
  package var saved: Double

  package init(path: String, bundleBytes: Int, packedBytes: Int) {
    self.path = path
    self.bundleBytes = bundleBytes
    self.packedBytes = packedBytes
    saved = 1 - Double(packedBytes) / Double(max(bundleBytes, 1))
  }

  package var text: String {
    let line =
      "\(path): \(byteText(bundleBytes)) packed into \(byteText(packedBytes)), \(fixed(saved * 100, 1)) % saved"
    return saved >= Self.worthwhile
      ? line : line + "\nThat is little: these weights have no repetitions for LZ4. The bundle itself does as well."
  }
}

struct UnpackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpack",
    abstract: "Expands a packed bundle.",
    discussion: """
      The bundle appears under its name only when it is complete, its checksums are right and it is a valid bundle.

      Examples:
        dera unpack model.dera.lz4
        dera unpack model.dera.lz4 -o /models/model.dera
      """)

  @Argument(help: "The packed bundle, a .dera.lz4 file.", completion: .file(extensions: ["lz4"])) var file: String
  @Option(
    name: .shortAndLong, help: ArgumentHelp("The file to write (default: the name without .lz4).", valueName: "file"))
  var output: String?
  @Flag(help: "Print the figures as JSON.") var json = false

  func run() throws {
    guard let packed = try PackedBundle(path: file) else {
      // Says what it is, where it is no bundle at all.
      _ = try ModelBundle(mapping: file)
      throw StreamError(description: "\(file) is not packed; every command opens it as it is")
    }
    guard output != nil || file.hasSuffix(PackedBundle.suffix) else {
      throw ValidationError("'\(file)' does not end with \(PackedBundle.suffix); name the result with --output")
    }
    let output = output ?? String(file.dropLast(PackedBundle.suffix.count))
    guard !FileIdentity.isSame(output, file) else {
      throw ValidationError("the output '\(output)' is the packed bundle itself; choose another name")
    }
    try withProgress("expanding") { try packed.unpack(to: output, progress: $0) }
    let expanded = try MappedFile(path: output)
    let bytes = withExtendedLifetime(expanded) { $0.bytes.count }
    let report = PackReport(path: output, bundleBytes: bytes, packedBytes: packed.byteCount)
    try json ? Output.write(jsonText(report)) : Output.note("\(output): \(byteText(bytes))")
  }
}
