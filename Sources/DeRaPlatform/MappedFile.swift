internal import CDeRaFaults
import DeRaTensorCore

/// A file mapped read-only for as long as the object lives.
///
/// Whoever truncates the file meanwhile breaks the mapping (the system then stops the process, see `UnreadableFiles`), and
/// whoever writes into it changes `bytes` (see `checkUnchanged`), so writers replace files (see `AtomicFile`) and never
/// change them in place.
package final class MappedFile: Sendable {
  package let path: String
  /// The whole file; empty when the file is. Valid while this object lives: hold it in a variable or property, since a
  /// temporary (`MappedFile(path:).bytes`) is gone before the bytes are read.
  package nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
  private let version: FileVersion
  private let watch: Int32

  /// - Throws: `FileError` when the path cannot be opened or mapped, or is not a regular file.
  package init(path: String) throws(FileError) {
    // Without O_NONBLOCK a pipe would block here for ever.
    let descriptor = try Self.descriptor(of: path, O_NONBLOCK)
    defer { close(descriptor) }
    let info = try Self.examine(descriptor, path)
    if let error = FileError(kindOf: info, path: path) { throw error }
    guard let size = Int(exactly: info.st_size) else { throw .failed(attempt: "map", path: path, code: EFBIG) }
    self.path = path
    version = FileVersion(info)
    bytes = try Self.map(size, descriptor, path)
    watch = bytes.baseAddress.map { cf_watch($0, size, path) } ?? -1
  }

  /// Most bytes that are read of a pipe or device.
  package static let pipeLimit = 1 << 28

  /// The content of a file, or of a pipe or device read to its end: for texts, which shells also hand over as pipes
  /// (`<(command)`).
  /// - Parameter limit: most bytes that are read of a pipe or device.
  /// - Throws: `FileError` when it cannot be opened, mapped or read, is a directory, or gives more than `limit`.
  package init(text path: String, limit: Int = pipeLimit) throws(FileError) {
    let descriptor = try Self.descriptor(of: path, 0)
    defer { close(descriptor) }
    let info = try Self.examine(descriptor, path)
    self.path = path
    version = FileVersion(info)
    switch FileError(kindOf: info, path: path) {
    case nil:
      guard let size = Int(exactly: info.st_size) else { throw .failed(attempt: "map", path: path, code: EFBIG) }
      bytes = try Self.map(size, descriptor, path)
      watch = bytes.baseAddress.map { cf_watch($0, size, path) } ?? -1
    case .notARegularFile?:
      let content = try Self.readAll(descriptor, path, limit)
      bytes = try Self.map(content.count, -1, path)
      UnsafeMutableRawBufferPointer(mutating: bytes).copyBytes(from: content)
      watch = -1
    case let error?: throw error
    }
  }

  private static func descriptor(of path: String, _ flags: Int32) throws(FileError) -> Int32 {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | flags)
    guard descriptor >= 0 else { throw .failed(attempt: "open", path: path, code: errno) }
    return descriptor
  }

  private static func examine(_ descriptor: Int32, _ path: String) throws(FileError) -> stat {
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw .failed(attempt: "examine", path: path, code: errno) }
    return info
  }

  /// The file, or writable memory for descriptor -1.
  private static func map(
    _ size: Int, _ descriptor: Int32, _ path: String
  ) throws(FileError) -> UnsafeRawBufferPointer {
    guard size > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let isFile = descriptor >= 0
    let address = mmap(
      nil, size, isFile ? PROT_READ : PROT_READ | PROT_WRITE, isFile ? MAP_PRIVATE : MAP_PRIVATE | MAP_ANONYMOUS,
      descriptor, 0)
    guard let address, address != UnsafeMutableRawPointer(bitPattern: -1) else {
      throw .failed(attempt: "map", path: path, code: errno)
    }
    return UnsafeRawBufferPointer(start: address, count: size)
  }

  private static func readAll(_ descriptor: Int32, _ path: String, _ limit: Int) throws(FileError) -> [UInt8] {
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .failed(attempt: "read", path: path, code: errno) }
      if count == 0 { return content }
      content += chunk[..<count]
      guard content.count <= limit else { throw .tooLong(path: path, limit: limit) }
    }
  }

  deinit {
    cf_forget(watch)
    if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
  }

  /// Makes sure that nobody has written into the file since it was mapped. A file that was replaced or removed is no
  /// concern: the mapping keeps the old one.
  /// - Throws: `FileError.changed`.
  package func checkUnchanged() throws(FileError) {
    var info = stat()
    guard stat(path, &info) == 0 else { return }
    let now = FileVersion(info)
    if now.isSameFile(as: version) && now != version { throw .changed(path: path) }
  }

  /// Asks for pages of 2 MB instead of 4 kB, for a file that is read over and over: fewer of them have to be looked up.
  ///
  /// Where the file system caches files in large units (ext4 and xfs in recent kernels), what is read from now on gets
  /// them, for all processes; elsewhere this does nothing. The memory stays the shared cache's.
  package func preferHugePages() {
    guard let address = bytes.baseAddress else { return }
    madvise(UnsafeMutableRawPointer(mutating: address), bytes.count, MADV_HUGEPAGE)
  }

  /// Bytes of `ranges` that are in this process's memory; nil where the system does not tell (Linux's /proc/self/pagemap).
  package func residentBytes(of ranges: [Range<Int>]) -> Int? {
    guard let address = bytes.baseAddress else { return 0 }
    let descriptor = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let entryBytes = MemoryLayout<UInt64>.size
    var entries = [UInt64](repeating: 0, count: 8192)
    var resident = 0
    for range in ranges.map({ $0.clamped(to: 0..<bytes.count) }) {
      var start = range.lowerBound
      while start < range.upperBound {
        let first = start / page
        let wanted = min((range.upperBound - 1) / page - first + 1, entries.count)
        let offset = (Int(bitPattern: address) / page + first) * entryBytes
        guard pread(descriptor, &entries, wanted * entryBytes, off_t(offset)) == wanted * entryBytes else { return nil }
        for index in 0..<wanted where entries[index] >> 63 == 1 {
          resident += range.clamped(to: (first + index) * page..<(first + index + 1) * page).count
        }
        start = (first + wanted) * page
      }
    }
    return resident
  }

  /// Gives back the memory of the whole pages inside `range`; reading them again fetches them from the file.
  package func drop(_ range: Range<Int>) {
    guard let address = bytes.baseAddress else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let range = range.clamped(to: 0..<bytes.count)
    let start = range.lowerBound.roundedUp(toMultipleOf: page)
    // The file's last page belongs to it alone, so it may go although the file ends inside it.
    let end = range.upperBound == bytes.count ? range.upperBound : range.upperBound / page * page
    guard start < end else { return }
    madvise(UnsafeMutableRawPointer(mutating: address + start), end - start, MADV_DONTNEED)
  }
}

/// Which file it is and which of its contents, as far as the system tells.
private struct FileVersion: Equatable {
  private let device: UInt64
  private let number: UInt64
  private let size: Int64
  private let seconds: Int
  private let nanoseconds: Int

  init(_ info: stat) {
    device = UInt64(info.st_dev)
    number = UInt64(info.st_ino)
    size = Int64(info.st_size)
    seconds = info.st_mtim.tv_sec
    nanoseconds = info.st_mtim.tv_nsec
  }

  func isSameFile(as other: FileVersion) -> Bool { device == other.device && number == other.number }
}

extension FileError {
  /// The error for what is no regular file; nil for one.
  init?(kindOf info: stat, path: String) {
    switch info.st_mode & S_IFMT {
    case S_IFREG: return nil
    case S_IFDIR: self = .directory(path: path)
    default: self = .notARegularFile(path: path)
    }
  }
}
