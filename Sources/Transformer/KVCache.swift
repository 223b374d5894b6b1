import ModelSpec
import TensorCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Keys and values of one sequence under one model, f16 `[layers, 2, kvHeads, capacity, headDim]`.
///
/// The memory is reserved at once and becomes resident as positions are written.
public final class KVCache {
  let base: UnsafeMutableRawPointer
  /// Positions there is room for.
  public let capacity: Int
  public let byteCount: Int
  /// Positions written so far; the next token's position.
  public internal(set) var length = 0

  /// - Throws: `TensorError` when the cache does not fit into the address space or the system refuses the memory.
  public init(_ configuration: ModelConfiguration, capacity: Int) throws(TensorError) {
    byteCount = try CheckedSize.product(
      configuration.layers, 2, configuration.kvHeads, capacity, configuration.headDim, MemoryLayout<UInt16>.size)
    self.capacity = capacity
    let memory = mmap(nil, max(byteCount, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let memory, memory != MAP_FAILED else {
      throw .overflow(
        "a KV cache of \(capacity) positions needs \(byteCount) bytes, more than the system gives; use a smaller context")
    }
    base = memory
  }

  deinit { munmap(base, max(byteCount, 1)) }

  /// Forgets every position from `count` on.
  public func truncate(to count: Int) { length = min(length, max(count, 0)) }
}
