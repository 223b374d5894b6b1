import DeRaKernels
import DeRaModelSpec
import DeRaTensorCore

/// Keys and values of one sequence under one model: for every layer a `CachePlane` of each.
///
/// The memory is reserved at once and becomes resident as positions are written. Layers with a sliding window hold twice
/// the window only, so that the last tokens, up to a window of them, can be taken back.
package final class KVCache {
  /// One layer's planes.
  package struct Layer {
    package var keys: CachePlane
    package var values: CachePlane
  }

  package let codec: CacheCodec
  /// Positions there is room for.
  package let capacity: Int
  package let byteCount: Int
  /// Positions written so far; the next token's position.
  package var length = 0 {
    didSet { written = max(written, length) }
  }

  private let memory: AnonymousMemory
  private let layers: UnsafeMutableBufferPointer<Layer>
  private let kvHeads: Int
  private let headDim: Int
  /// Tokens of one pass at most.
  private let longestRun: Int
  /// Tokens that a column sees in a sliding layer, and the positions such a layer holds; `capacity` where none slides.
  private let window: Int
  private let slidingSlots: Int
  /// Where the positions end that a sliding layer's slots may have been written for.
  private var written = 0

  /// - Parameters:
  ///   - capacity: positions.
  ///   - longestRun: tokens that one pass adds at most; `capacity` if nil.
  /// - Throws: `TensorError` when the cache does not fit into the address space or the system refuses the memory.
  package init(
    _ configuration: ModelConfiguration, capacity: Int, codec: CacheCodec = .f16, longestRun: Int? = nil
  ) throws(TensorError) {
    let longestRun = min(longestRun ?? capacity, capacity)
    let window = min(configuration.slidingWindow ?? capacity, capacity)
    let slidingSlots = min(window + max(window, longestRun), capacity)
    // More than is used, so that nothing below overflows.
    _ = try CheckedSize.product(configuration.layers, 4, capacity + 64, configuration.kvWidth, MemoryLayout<Float>.size)
    func planeBytes(_ slots: Int) -> Int {
      let bytes = CachePlane.byteCount(
        codec, kvHeads: configuration.kvHeads, headDim: configuration.headDim, slots: slots)
      return bytes.roundedUp(toMultipleOf: 64)
    }
    let slots = (0..<configuration.layers).map { configuration.layerSlides[$0] ? slidingSlots : capacity }
    byteCount = slots.reduce(0) { $0 + 2 * planeBytes($1) }
    memory = try AnonymousMemory(byteCount: byteCount, purpose: "a KV cache of \(capacity) positions")
    layers = .allocate(capacity: configuration.layers)
    var address = memory.base
    for (layer, slots) in slots.enumerated() {
      func nextPlane() -> CachePlane {
        defer { address += planeBytes(slots) }
        return CachePlane(
          codec, memory: address, kvHeads: configuration.kvHeads, headDim: configuration.headDim, slots: slots)
      }
      layers.initializeElement(at: layer, to: Layer(keys: nextPlane(), values: nextPlane()))
    }
    kvHeads = configuration.kvHeads
    headDim = configuration.headDim
    self.codec = codec
    self.capacity = capacity
    self.longestRun = longestRun
    self.window = window
    self.slidingSlots = slidingSlots
  }

  deinit { layers.deallocate() }

  /// Whether a pass may add that many tokens.
  package func takes(_ count: Int) -> Bool { count <= longestRun && length + count <= capacity }

  /// Forgets every position from `count` on.
  ///
  /// Where a sliding layer no longer holds a position that the next token would see, everything is forgotten: `length` is
  /// 0 afterwards, and the tokens before `count` have to run again.
  package func truncate(to count: Int) {
    let count = min(length, max(count, 0))
    let isHeld = holds(count)
    if !isHeld { written = 0 }
    length = isHeld ? count : 0
  }

  /// Whether the first `count` positions can be gone on from.
  package func holds(_ count: Int) -> Bool {
    count <= length && max(count + 1 - window, 0) >= written - slidingSlots
  }

  /// Takes over the first `count` positions of another cache of the same shape.
  /// - Parameter count: positions that `other.holds`.
  package func copy(_ other: KVCache, count: Int) {
    precondition(other.capacity == capacity && other.codec == codec && other.holds(count))
    for (layer, source) in zip(layers, other.layers) {
      // A ring is taken whole: which of its slots are needed depends on what was written.
      let slots = layer.keys.slots == capacity ? count : layer.keys.slots
      layer.keys.copy(source.keys, slots: slots, kvHeads: kvHeads, headDim: headDim)
      layer.values.copy(source.values, slots: slots, kvHeads: kvHeads, headDim: headDim)
    }
    (length, written) = (other.length, other.written)
    truncate(to: count)
  }

  /// The planes of every layer, for the inner loops.
  package var view: UnsafePointer<Layer> { UnsafePointer(layers.baseAddress!) }
}
