/// A file that appears under its name only when it is complete.
///
/// Until then it has no name (`O_TMPFILE`), so that nothing is left when the process is killed. Where the file system knows
/// no such files it is `path` with the ending `.part`, locked while it is written; the next writer takes over what a killed
/// one has left. Any failed write, `cancel` or the end of the object's life gives it up.
package final class AtomicFile {
  /// Small writes are gathered up to this many bytes.
  private static let bufferBytes = 1 << 20

  /// O_TMPFILE, a macro that Swift does not import: the same bit on every machine, and a directory's.
  private static let noName = 0o20_000_000 | O_DIRECTORY

  package let path: String
  /// The target itself where `path` is a symbolic link to it, so that the link stays.
  private let target: String
  /// Bytes written so far.
  package private(set) var position = 0
  private var descriptor: Int32
  /// Whether the file has its temporary name.
  private var isNamed: Bool
  private var buffer: [UInt8] = []

  private var partPath: String { "\(target).part" }

  /// - Throws: `FileError` when the target is a directory, another process is writing it, or its directory does not let a
  ///   file be created.
  package init(path: String) throws(FileError) {
    guard !path.isEmpty else { throw .failed(attempt: "create", path: path, code: ENOENT) }
    guard path != "-" else { throw .dash }
    var info = stat()
    if stat(path, &info) == 0, let error = FileError(kindOf: info, path: path) { throw error }
    self.path = path
    target = Self.resolved(path)
    descriptor = open(Self.directory(of: target), Self.noName | O_WRONLY | O_CLOEXEC, 0o666)
    isNamed = false
    if descriptor < 0 && [EOPNOTSUPP, EISDIR, EINVAL].contains(errno) {
      descriptor = try Self.openNamed("\(target).part")
      isNamed = true
    }
    guard descriptor >= 0 else { throw .failed(attempt: "create", path: path, code: errno) }
    buffer.reserveCapacity(Self.bufferBytes)
  }

  /// A file with a temporary name that this process alone writes.
  private static func openNamed(_ path: String) throws(FileError) -> Int32 {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
    guard descriptor >= 0 else { throw .failed(attempt: "create", path: path, code: errno) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, ftruncate(descriptor, 0) == 0 else {
      let code = errno
      close(descriptor)
      throw code == EWOULDBLOCK ? .inUse(path: path) : .failed(attempt: "take over", path: path, code: code)
    }
    return descriptor
  }

  /// Links that may lead to another link.
  private static let linkLimit = 40

  /// The path that a chain of symbolic links ends at, whether there is a file yet or not: the link is to stay, and the
  /// file that it leads to is replaced.
  private static func resolved(_ path: String) -> String {
    var path = path
    for _ in 0..<linkLimit {
      var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = readlink(path, &buffer, buffer.count)
      guard count > 0, count < buffer.count else { return path }
      let link = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      path = link.hasPrefix("/") ? link : (path.lastIndex(of: "/").map { String(path[...$0]) } ?? "") + link
    }
    return path
  }

  private static func directory(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
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
    if !isNamed { try giveName() }
    guard rename(partPath, target) == 0 else { throw giveUp("rename the finished file to") }
    close(descriptor)
    descriptor = -1
    synchronizeDirectory()
  }

  /// The same once `check` has read the complete file.
  /// - Parameter check: gets a path that leads to the file while it has no name of its own.
  /// - Throws: what `check` throws, too; nothing is left then.
  package func commit(after check: (_ temporaryPath: String) throws -> Void) throws {
    try flush()
    do {
      try check(descriptorPath)
    } catch {
      cancel()
      throw error
    }
    try commit()
  }

  /// Lets `check` read what is written so far, lengthened with zeros that take no room on the disk. Whoever asks for more
  /// than is written in the end must write it.
  /// - Parameters:
  ///   - size: bytes that the file shall have meanwhile; at least those written.
  ///   - check: gets a path that leads to the file while it has no name of its own.
  /// - Throws: `FileError`, and what `check` throws.
  package func inspect<Result>(as size: Int, _ check: (_ temporaryPath: String) throws -> Result) throws -> Result {
    try flush()
    guard ftruncate(descriptor, off_t(max(size, position))) == 0 else { throw giveUp("lengthen") }
    let result = try check(descriptorPath)
    guard ftruncate(descriptor, off_t(position)) == 0 else { throw giveUp("shorten") }
    return result
  }

  /// Gives the file up. Does nothing after `commit`.
  package func cancel() {
    guard descriptor >= 0 else { return }
    // First, so that nobody else can have taken the name over.
    if isNamed { unlink(partPath) }
    close(descriptor)
    descriptor = -1
  }

  private var descriptorPath: String { "/proc/self/fd/\(descriptor)" }

  /// Links the nameless file as `path.part`, since only a rename replaces a file that is there.
  private func giveName() throws(FileError) {
    unlink(partPath)
    guard linkat(AT_FDCWD, descriptorPath, AT_FDCWD, partPath, AT_SYMLINK_FOLLOW) == 0 else {
      throw giveUp("name the finished file")
    }
    isNamed = true
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
    let descriptor = open(Self.directory(of: target), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}
