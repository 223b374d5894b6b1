import DeRaPlatform
import FoundationEssentials

/// A directory of its own, removed with everything in it when the object goes.
package final class TemporaryDirectory: Sendable {
  package struct Failure: Error {}
  package let path: String

  package init() throws {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/dera-tests-XXXXXX".utf8CString)
    // What mkdtemp returns points into the array, which may be gone by then.
    guard mkdtemp(&template) != nil else { throw Failure() }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    chmod(path, 0o700)
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The path of a file in the directory, which need not exist.
  package func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Names of the entries of the directory, sorted.
  package var files: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

  /// Writes a file, without the care that `AtomicFile` takes, and returns its path.
  @discardableResult
  package func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(filePath: file(name)))
    return file(name)
  }

  @discardableResult
  package func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

  /// Copies every file of another directory here.
  package func copy(_ directory: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
      try FileManager.default.copyItem(atPath: "\(directory)/\(name)", toPath: file(name))
    }
  }

  package func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: file(name)) }

  package func data(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: file(name))) }

  package func bytes(_ name: String) throws -> [UInt8] { Array(try data(name)) }

  package func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }
}
