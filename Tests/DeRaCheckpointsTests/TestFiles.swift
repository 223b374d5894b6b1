import DeRaCheckpoints
import FoundationEssentials
import Testing

/// Paths of committed fixtures.
enum Fixtures {
  static let directory = #filePath.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" } + "/Fixtures"
  static let checkpoints = directory + "/checkpoints"
  static let goldens = directory + "/goldens"

  /// Every golden checkpoint, aligned ones included.
  static func goldenNames() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: goldens).filter {
      FileManager.default.fileExists(atPath: "\(goldens)/\($0)/config.json")
    }.sorted()
  }
}

/// A directory of its own, removed with the object.
final class TemporaryFiles {
  let path = FileManager.default.temporaryDirectory.path + "/dera-checkpoints-\(UUID().uuidString)"

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// - Returns: the file's path.
  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
    return "\(path)/\(name)"
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

  /// Copies every file of a fixture directory here.
  func copy(_ directory: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
      try FileManager.default.copyItem(atPath: "\(directory)/\(name)", toPath: "\(path)/\(name)")
    }
  }

  func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }

  func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: "\(path)/\(name)"))) }

  func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

  /// Replaces a text that must occur in a file.
  func replace(_ old: String, with new: String, in name: String) throws {
    let text = try text(name)
    try #require(text.contains(old), "\(name) has no \(old)")
    try write(name, text.replacing(old, with: new))
  }
}

/// A safetensors file made of its parts, right or wrong.
func safetensorsBytes(header: String, data: [UInt8] = []) -> [UInt8] {
  let header = Array(header.utf8)
  return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + data
}

/// The error `body` throws, which must be a `CheckpointError`.
func checkpointError<Value>(
  _ body: () throws -> Value, location: SourceLocation = #_sourceLocation
) throws -> CheckpointError {
  let error = #expect(throws: CheckpointError.self, sourceLocation: location) { _ = try body() }
  return try #require(error, sourceLocation: location)
}
