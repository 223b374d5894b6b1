/// A file that appears under its name only when it is complete: written to a temporary file beside the target, which
/// `commit` renames. Any failed write, `cancel` or the end of the object's life removes the temporary file.
package final class AtomicFile {
  /// Small writes are gathered up to this many bytes.
  private static let bufferBytes = 1 << 20

  package let path: String
  /// The temporary file, `path` with a random ending.
  package let temporaryPath: String
  /// Bytes written so far.
  package private(set) var position = 0
  private var descriptor: Int32
  private var buffer: [UInt8] = []

  /// - Throws: `FileError` when the target is a directory or its directory does not let a file be created.
  package init(path: String) throws(FileError) {
    guard !path.isEmpty else { throw .failed(attempt: "create", path: path, code: ENOENT) }
    var info = stat()
    if stat(path, &info) == 0, info.st_mode & S_IFMT != S_IFREG { throw .notARegularFile(path: path) }
    self.path = path
    temporaryPath = "\(path).\(String(UInt32.random(in: .min ... .max), radix: 16)).part"
    descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .failed(attempt: "create", path: temporaryPath, code: errno) }
    buffer.reserveCapacity(Self.bufferBytes)
  }

  deinit { cancel() }

  /// Appends `bytes`.
  /// - Throws: `FileError` when they cannot be written (the file is then given up) or the file is closed already.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    guard descriptor >= 0 else { throw .failed(attempt: "write to", path: path, code: EBADF) }
    if buffer.count + bytes.count > Self.bufferBytes { try flush() }
    if bytes.count >= Self.bufferBytes {
      try writeThrough(bytes, at: position)
    } else {
      buffer.append(contentsOf: bytes)
    }
    position += bytes.count
  }

  /// Replaces bytes written before; `offset + bytes.count` is at most `position`.
  /// - Throws: `FileError` as `write` does, and when the range was not written before.
  package func overwrite(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError) {
    guard descriptor >= 0 else { throw .failed(attempt: "write to", path: path, code: EBADF) }
    guard offset >= 0, offset <= position, bytes.count <= position - offset else {
      throw .failed(attempt: "overwrite", path: path, code: EINVAL)
    }
    try flush()
    try writeThrough(bytes, at: offset)
  }

  /// Makes the file durable and gives it its name, replacing a file that has it.
  /// - Throws: `FileError` when that fails; the temporary file is then removed and an older target stays untouched.
  package func commit() throws(FileError) {
    guard descriptor >= 0 else { throw .failed(attempt: "finish", path: path, code: EBADF) }
    try flush()
    guard fsync(descriptor) == 0 else { throw giveUp("flush to disk") }
    guard rename(temporaryPath, path) == 0 else { throw giveUp("rename the finished file to") }
    close(descriptor)
    descriptor = -1
    synchronizeDirectory()
  }

  /// The same once `check` has seen the complete temporary file.
  /// - Throws: what `check` throws, too; nothing is left then.
  package func commit(after check: (_ temporaryPath: String) throws -> Void) throws {
    try flush()
    do {
      try check(temporaryPath)
    } catch {
      cancel()
      throw error
    }
    try commit()
  }

  /// Removes the temporary file. Does nothing after `commit`.
  package func cancel() {
    guard descriptor >= 0 else { return }
    close(descriptor)
    descriptor = -1
    unlink(temporaryPath)
  }

  private func flush() throws(FileError) {
    var failure: FileError?
    buffer.withUnsafeBytes { bytes in
      do throws(FileError) { try writeThrough(bytes, at: position - bytes.count) } catch { failure = error }
    }
    if let failure { throw failure }
    buffer.removeAll(keepingCapacity: true)
  }

  /// The system may write less than it is given; it is asked again until all is written.
  private func writeThrough(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw giveUp("write to") }
      done += count
    }
  }

  private func giveUp(_ attempt: String) -> FileError {
    let code = errno
    cancel()
    return .failed(attempt: attempt, path: path, code: code)
  }

  /// Makes the new name durable. A directory that cannot be opened or synchronised is no failure: the file is there.
  private func synchronizeDirectory() {
    let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}
