import DeRaTensorCore

/// An operation on a file that the system refused.
package enum FileError: Error, Equatable, CustomStringConvertible {
  /// `attempt` is what was being done ("open", "write to"), `code` the system's `errno`.
  case failed(attempt: String, path: String, code: Int32)
  /// A directory where a file is needed.
  case directory(path: String)
  /// `-`, which elsewhere stands for standard input or output, as the name of a file to write.
  case dash
  /// Bytes that are no UTF-8 where a text is read, and the position of the first.
  case notText(path: String, position: Int)
  /// A pipe or device where a file is needed.
  case notARegularFile(path: String)
  /// Another process is writing the file.
  case inUse(path: String)
  /// A pipe or device that gives more than `limit` bytes.
  case tooLong(path: String, limit: Int)
  /// A file in use was written to.
  case changed(path: String)

  package var path: String {
    switch self {
    case .failed(_, let path, _), .directory(let path), .notARegularFile(let path), .inUse(let path),
      .tooLong(let path, _), .changed(let path), .notText(let path, _):
      path
    case .dash: "-"
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
      return "\(path) is a pipe or device; give the path of a regular file"
    case .dash: return "output goes to a file, not to standard output; give its name, or ./- for a file called -"
    case .notText(let path, let position):
      return "\(path) is not valid UTF-8 (byte \(position)); convert it first (iconv -t UTF-8)"
    case .directory(let path): return "\(path) is a directory; give the path of a file"
    case .tooLong(let path, let limit): return "\(path) gives more than \(ByteSize.text(limit)); give less"
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
