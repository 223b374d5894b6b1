import DeRaPlatform

/// Input as files in memory, for readers that take paths. One process at a time uses a folder.
struct InputFile {
  static let shared = InputFile()
  /// Folder for what readers make of their inputs, to begin another reader's search with; nil where that is not kept.
  static let seeds = variable("DERA_FUZZ_SEEDS")

  let folder = variable("DERA_FUZZ_FOLDER") ?? "/dev/shm"

  static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  static func keepSeed(_ bytes: UnsafeRawBufferPointer) throws {
    guard let seeds else { return }
    _ = try shared.write(bytes, to: "\(seeds)/\(bytes.count)")
  }

  /// - Returns: the path.
  func write(_ bytes: UnsafeRawBufferPointer, as name: String) throws -> String {
    try write(bytes, to: "\(folder)/\(name)")
  }

  private func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws -> String {
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
