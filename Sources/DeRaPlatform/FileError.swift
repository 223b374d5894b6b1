/// An operation on a file that the system refused.
package enum FileError: Error, Equatable, CustomStringConvertible {
  /// `attempt` is what was being done ("open", "write to"), `code` the system's `errno`.
  case failed(attempt: String, path: String, code: Int32)
  /// A directory, pipe or device where a file is needed.
  case notARegularFile(path: String)
  /// Another process is writing the file.
  case inUse(path: String)
  /// A file in use was written to.
  case changed(path: String)

  package var path: String {
    switch self {
    case .failed(_, let path, _), .notARegularFile(let path), .inUse(let path), .changed(let path): path
    }
  }

  /// The system's `errno`; nil where there is none.
  package var code: Int32? {
    if case .failed(_, _, let code) = self { code } else { nil }
  }

  package var description: String {
    switch self {
    case .failed(let attempt, let path, let code):
      let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
      return "cannot \(attempt) \(path): \(reason); \(Self.remedy(for: code))"
    case .notARegularFile(let path):
      return "\(path) is not a regular file; give the path of a file"
    case .inUse(let path):
      return "another process is writing \(path); wait for it, or choose another output"
    case .changed(let path):
      return
        "\(path) was written to while it was in use; start again, and replace such files instead of overwriting them"
    }
  }

  private static func remedy(for code: Int32) -> String {
    switch code {
    case ENOENT, ENOTDIR: "check that the path is spelled right and its directory exists"
    case EACCES, EPERM, EROFS: "check the permissions of the file and its directory"
    case ENOSPC, EDQUOT, EFBIG: "free some space or choose another directory"
    case EISDIR: "give the path of a file, not of a directory"
    case ENOMEM: "free some memory or address space"
    case EMFILE, ENFILE: "close some files or raise the limit of open files"
    default: "check the path and the disk"
    }
  }
}
