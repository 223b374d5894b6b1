import DeRaPlatform
import DeRaTensorCore

/// Zeroed memory that is reserved at once and becomes resident page by page as it is written.
final class AnonymousMemory {
  let base: UnsafeMutableRawPointer
  let byteCount: Int

  /// - Parameter purpose: the use of the memory, for the message.
  /// - Throws: `TensorError` when the system refuses it.
  init(byteCount: Int, purpose: String) throws(TensorError) {
    self.byteCount = max(byteCount, 1)
    let memory = mmap(
      nil, self.byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let memory, memory != MAP_FAILED else {
      throw .overflow("\(purpose) needs \(ByteSize.text(byteCount)), more than the system gives; use a smaller context")
    }
    base = memory
  }

  deinit { munmap(base, byteCount) }
}
