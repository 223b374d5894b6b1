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
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .failed(attempt: "open", path: path, code: errno) }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw .failed(attempt: "examine", path: path, code: errno) }
    guard info.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
    guard let size = Int(exactly: info.st_size) else { throw .failed(attempt: "map", path: path, code: EFBIG) }
    self.path = path
    version = FileVersion(info)
    if size == 0 {
      watch = -1
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    } else {
      let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
      guard let address, address != UnsafeMutableRawPointer(bitPattern: -1) else {
        throw .failed(attempt: "map", path: path, code: errno)
      }
      bytes = UnsafeRawBufferPointer(start: address, count: size)
      watch = cf_watch(address, size, path)
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
