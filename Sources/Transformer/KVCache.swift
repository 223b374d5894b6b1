import ModelSpec
import TensorCore

/// Keys and values of one sequence under one model, f16 `[layers, 2, capacity, kvWidth]`.
///
/// The memory is reserved at once and becomes resident as positions are written.
public final class KVCache {
  private let memory: AnonymousMemory
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
    memory = try AnonymousMemory(byteCount: byteCount, purpose: "a KV cache of \(capacity) positions")
  }

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

  var view: View { View(base: memory.base.assumingMemoryBound(to: UInt16.self), planeElements: planeElements) }
}
