import DeRaJSON
import DeRaPlatform
import FoundationEssentials

/// The files of a checkpoint, with errors that name them.
package enum CheckpointFile {
  package static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// Names of the files of a directory, sorted; none where it cannot be read.
  static func names(in directory: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
  }

  /// - Throws: `CheckpointError` when the file cannot be opened.
  package static func map(_ path: String) throws(CheckpointError) -> MappedFile {
    do throws(FileError) {
      return try MappedFile(path: path)
    } catch {
      throw CheckpointError(path: path, problem: "\(error)")
    }
  }

  /// - Throws: `CheckpointError` when the file cannot be opened or is not JSON; Python's NaN and Infinity are taken.
  package static func json(_ path: String) throws(CheckpointError) -> JSON {
    let file = try map(path)
    defer { file.drop(0..<file.bytes.count) }
    do throws(JSONError) {
      return try JSON.parse(file.bytes, allowsNonFinite: true)
    } catch {
      throw CheckpointError(
        path: path, subject: "byte \(error.position)", problem: error.problem, expected: "JSON",
        remedy: "Repair the file or fetch it again.")
    }
  }

  /// A whole text file of at most `limit` bytes.
  /// - Throws: `CheckpointError` when the file cannot be opened, is longer, or is not UTF-8.
  package static func text(_ path: String, limit: Int = 1 << 20) throws(CheckpointError) -> String {
    let file = try map(path)
    guard file.bytes.count <= limit, let text = String(validating: file.bytes, as: UTF8.self) else {
      throw CheckpointError(path: path, problem: "not a text", expected: "at most \(limit) bytes of UTF-8")
    }
    return text
  }
}
