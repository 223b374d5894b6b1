import ArgumentParser
import DeRa
import DeRaConsole
import DeRaText
import FoundationEssentials

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists the bundles in the usual folders.",
    discussion: """
      The folders are the working folder, $XDG_DATA_HOME/dera or ~/.local/share/dera, /usr/local/share/dera and \
      /usr/share/dera, or those that are given.

      Examples:
        dera list
        dera list /media/stick --json
      """)

  @Argument(help: "Folders to look into.", completion: .directory) var folders: [String] = []
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    for folder in folders where !isFolder(folder) {
      throw StreamError(description: "\(folder) is no folder that can be read; dera inspect shows one bundle")
    }
    let folders = folders.isEmpty ? FoundBundles.folders(environment: ProcessInfo.processInfo.environment) : folders
    var rows: [BundleRow] = []
    for path in FoundBundles.paths(in: folders) {
      do { rows.append(try BundleRow(path)) } catch { Output.warning(errorText(error)) }
    }
    if json { return try Output.write(jsonText(rows)) }
    guard !rows.isEmpty else {
      return Output.note("No bundles in \(folders.joined(separator: ", ")); dera-quantize makes one of a checkpoint.")
    }
    var table = Table([.init("bundle", .left), .init("size"), .init("architecture", .left), .init("models", .left)])
    table.rows = rows.map { row in
      [row.path, byteText(row.fileBytes), row.architecture ?? "packed", row.models.joined(separator: ", ")]
    }
    try Output.write(table.lines.map { $0 + "\n" }.joined())
  }

  private func isFolder(_ path: String) -> Bool {
    (try? FileManager.default.contentsOfDirectory(atPath: path)) != nil
  }
}

/// One bundle of the list. A packed one is not expanded for it.
struct BundleRow: Encodable {
  var path: String
  var fileBytes: Int
  var architecture: String?
  var models: [String]

  init(_ path: String) throws {
    self.path = path
    if path.hasSuffix(PackedBundle.suffix) {
      let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
      (fileBytes, architecture, models) = (size ?? 0, nil, [])
    } else {
      let bundle = try ModelBundle(mapping: path)
      fileBytes = bundle.mappedBytes
      architecture = bundle.configuration.architecture.name
      models = bundle.manifest.models
    }
  }
}
