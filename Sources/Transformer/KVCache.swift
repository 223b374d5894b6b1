import ModelSpec
import TensorCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Keys and values of one sequence under one model, f16 `[layers, 2, capacity, kvWidth]`.
///
/// The memory is reserved at once and becomes resident as positions are written.
public final class KVCache {
  private let base: UnsafeMutableRawPointer
  private let planeElements: Int
  /// Positions there is room for.
  public let capacity: Int
  public let byteCount: Int
  /// Positions written so far; the next token's position.
  public internal(set) var length = 0

  /// - Throws: `TensorError` when the cache does not fit into the address space or the system refuses the memory.
  public init(_ configuration: ModelConfiguration, capacity: Int) throws(TensorError) {
    byteCount = try CheckedSize.product(
      configuration.layers, 2, capacity, configuration.kvWidth, MemoryLayout<UInt16>.size)
    self.capacity = capacity
    planeElements = capacity * configuration.kvWidth
    let memory = mmap(
      nil, max(byteCount, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let memory, memory != MAP_FAILED else {
      throw .overflow(
        "a KV cache of \(capacity) positions needs \(byteCount) bytes, more than the system gives; use a smaller context"
      )
    }
    base = memory
  }

  deinit { munmap(base, max(byteCount, 1)) }

  /// Forgets every position from `count` on.
  public func truncate(to count: Int) { length = min(length, max(count, 0)) }

  /// Addresses only, for the inner loops.
  struct View {
    var base: UnsafeMutablePointer<UInt16>
    /// Elements of one layer's keys, or values.
    var planeElements: Int

    func keys(layer: Int) -> UnsafeMutablePointer<UInt16> { base + 2 * layer * planeElements }
    func values(layer: Int) -> UnsafeMutablePointer<UInt16> { base + (2 * layer + 1) * planeElements }
  }

  var view: View { View(base: base.assumingMemoryBound(to: UInt16.self), planeElements: planeElements) }
}
