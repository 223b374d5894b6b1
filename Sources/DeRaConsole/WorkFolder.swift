import DeRaPlatform
import FoundationEssentials

/// A folder of results that one process at a time works on.
package final class WorkFolder {
  private let descriptor: Int32

  /// Makes the folder unless it is there, and takes it.
  /// - Throws: `FileError`, `WorkFolderError.inUse` while another process works on it.
  package init(_ path: String) throws {
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    // Says why where that failed.
    if mkdir(path, 0o777) != 0 && errno != EEXIST {
      throw FileError.failed(attempt: "create the directory", path: path, code: errno)
    }
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError.failed(attempt: "open", path: path, code: errno) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw WorkFolderError.inUse(path) }
  }

  deinit {
    // A child that is just being started has a copy of the descriptor, which would keep the lock for a moment.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }
}

/// Why a folder cannot be worked on.
package enum WorkFolderError: Error, Equatable, CustomStringConvertible {
  case inUse(String)
  case notEmpty(String)

  package var description: String {
    switch self {
    case .inUse(let path): "another process is working on \(path); wait for it, or choose another --output"
    case .notEmpty(let path): "\(path) already holds results; choose another --output"
    }
  }
}
