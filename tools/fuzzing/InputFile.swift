import DeRaPlatform
import FoundationEssentials

/// Input as files in memory, for readers that take paths. One process at a time uses a folder.
struct InputFile {
  static let shared = InputFile()
  /// Where compiled tokenizers are kept, to begin the search among images with; nil where they are not.
  static let seeds = ProcessInfo.processInfo.environment["DERA_FUZZ_SEEDS"]

  let folder = ProcessInfo.processInfo.environment["DERA_FUZZ_FOLDER"] ?? "/dev/shm"

  /// - Returns: the path.
  func write(_ bytes: UnsafeRawBufferPointer, as name: String) throws -> String {
    try write(bytes, to: "\(folder)/\(name)")
  }

  func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws -> String {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw FileError.failed(attempt: "open", path: path, code: errno) }
    defer { close(descriptor) }
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(done))
      guard count > 0 else { throw FileError.failed(attempt: "write to", path: path, code: errno) }
      done += count
    }
    return path
  }
}
