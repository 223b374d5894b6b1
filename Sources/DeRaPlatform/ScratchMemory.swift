/// Zeroed memory that the system may write to a disk when it needs the room: a file without a name, gone with the object
/// or the process.
package final class ScratchMemory: @unchecked Sendable {
  package let bytes: UnsafeMutableRawBufferPointer

  /// - Parameter path: a name beside which the file is made; nothing of that name is touched.
  /// - Throws: `FileError` when the directory takes no file of that size.
  package init(byteCount: Int, beside path: String) throws(FileError) {
    let name = "\(path).\(String(UInt32.random(in: .min ... .max), radix: 16)).scratch"
    let descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .failed(attempt: "create", path: name, code: errno) }
    defer { close(descriptor) }
    unlink(name)
    let size = max(byteCount, 1)
    // Writing to a mapping that has no blocks behind it would end the process when the disk is full.
    let code = posix_fallocate(descriptor, 0, off_t(size))
    guard code == 0 else { throw .failed(attempt: "reserve \(size) bytes in", path: name, code: code) }
    let address = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let address, address != UnsafeMutableRawPointer(bitPattern: -1) else {
      throw .failed(attempt: "map", path: name, code: errno)
    }
    bytes = UnsafeMutableRawBufferPointer(start: address, count: size)
  }

  deinit { munmap(bytes.baseAddress, bytes.count) }
}
