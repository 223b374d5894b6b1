internal import CDeRaKernels
import DeRaTensorCore

/// How a cache holds keys and values.
package enum CacheCodec: String, Sendable, CaseIterable {
  /// Two bytes an element.
  case f16
  /// A byte an element and an f32 scale for every head and position: scale = max |x| / 127, codes −127…127 rounded to
  /// nearest even.
  case int8

  package var elementBytes: Int { self == .f16 ? 2 : 1 }
  package var scaleBytes: Int { self == .f16 ? 0 : MemoryLayout<Float>.size }
}

/// The keys, or the values, of one layer of one sequence; a view that owns nothing.
///
/// A plane may have fewer slots than the sequence has positions: position p lies in slot p mod `slots`, and a position is
/// held until the one `slots` later is written.
package struct CachePlane: @unchecked Sendable {
  /// f16 or int8 `[kvHeads, slots, headDim]`
  package var elements: UnsafeMutableRawPointer
  /// `[kvHeads, slots]`; nil for f16.
  package var scales: UnsafeMutablePointer<Float>?
  package var slots: Int

  package init(elements: UnsafeMutableRawPointer, scales: UnsafeMutablePointer<Float>?, slots: Int) {
    self.elements = elements
    self.scales = scales
    self.slots = slots
  }

  /// Bytes of a plane: the elements and, from the next multiple of 4 on, the scales.
  package static func byteCount(_ codec: CacheCodec, kvHeads: Int, headDim: Int, slots: Int) -> Int {
    (kvHeads * slots * headDim * codec.elementBytes).roundedUp(toMultipleOf: 4) + kvHeads * slots * codec.scaleBytes
  }

  /// - Parameter memory: `byteCount` bytes, aligned to 4.
  package init(_ codec: CacheCodec, memory: UnsafeMutableRawPointer, kvHeads: Int, headDim: Int, slots: Int) {
    elements = memory
    let scaleOffset = (kvHeads * slots * headDim * codec.elementBytes).roundedUp(toMultipleOf: 4)
    scales = codec == .f16 ? nil : (memory + scaleOffset).bindMemory(to: Float.self, capacity: kvHeads * slots)
    self.slots = slots
  }

  private var elementBytes: Int { scales == nil ? CacheCodec.f16.elementBytes : CacheCodec.int8.elementBytes }

  /// One head from `slot` on.
  func view(head: Int, slot: Int, headDim: Int) -> ck_cached {
    let index = head * slots + slot
    return ck_cached(
      elements: elements + index * headDim * elementBytes, scales: scales.map { UnsafePointer($0 + index) })
  }

  /// Codes one head's key or value `[headDim]` for a position.
  func write(
    _ vector: UnsafePointer<Float>, head: Int, position: Int, headDim: Int, by kernels: UnsafePointer<ck_kernels>
  ) {
    let index = head * slots + position % slots
    let target = elements + index * headDim * elementBytes
    if let scales {
      kernels.pointee.quantize_head(vector, headDim, target.assumingMemoryBound(to: Int8.self), scales + index)
    } else {
      kernels.pointee.f32_to_f16(vector, headDim, target.assumingMemoryBound(to: UInt16.self))
    }
  }
}

extension CachePlane {
  /// Takes over the first slots of another plane of the same shape.
  package func copy(_ other: CachePlane, slots count: Int, kvHeads: Int, headDim: Int) {
    let width = headDim * elementBytes
    for head in 0..<kvHeads {
      let first = head * slots
      (elements + first * width).copyMemory(from: other.elements + first * width, byteCount: count * width)
      if let scales, let others = other.scales { (scales + first).update(from: others + first, count: count) }
    }
  }
}

/// Where one column's attention reads: its layer's cache of one sequence and the positions it may see.
package struct CacheView: @unchecked Sendable {
  package var keys: CachePlane
  package var values: CachePlane
  /// Positions seen, the column's own included; not empty, and all of them held.
  package var visible: Range<Int>
  /// The bias that every key is short of; nil for nothing.
  package var keyBias: KeyBias?

  package init(keys: CachePlane, values: CachePlane, visible: Range<Int>, keyBias: KeyBias? = nil) {
    self.keys = keys
    self.values = values
    self.visible = visible
    self.keyBias = keyBias
  }
}

/// A bias of a layer's keys that is kept out of the cache.
///
/// A bias can be a hundred times larger than what it is added to, and a code's step is a part of the largest element. So
/// int8 caches hold rotated keys without it, and a score gets query · R_t·bias besides. That is a product of what the query
/// makes of the bias with the cosines and sines of position t, whatever the layer and the head.
package struct KeyBias: @unchecked Sendable {
  /// `[kvHeads · headDim]`, before rotation.
  package var values: UnsafePointer<Float>
  /// The cosines and then the sines of every position up to the last visible one, `[positions, 2 · headDim / 2]`.
  package var positions: UnsafePointer<Float>

  package init(values: UnsafePointer<Float>, positions: UnsafePointer<Float>) {
    self.values = values
    self.positions = positions
  }

  /// A rotated query times the bias: for every pair the factors of a position's cosine and of its sine.
  func factors(_ query: UnsafePointer<Float>, head: Int, headDim: Int, into factors: UnsafeMutablePointer<Float>) {
    let bias = values + head * headDim
    let half = headDim / 2
    for pair in 0..<half {
      let (first, second) = (query[pair], query[pair + half])
      factors[pair] = first * bias[pair] + second * bias[pair + half]
      factors[pair + half] = second * bias[pair] - first * bias[pair + half]
    }
  }
}
