/// One token and its logit.
package struct Candidate {
  package var logit: Float
  package var id: Int32

  /// Larger logit first, lower id on a tie: a total order, so the ranking is the same on every machine.
  fileprivate func precedes(_ other: Candidate) -> Bool {
    logit > other.logit || (logit == other.logit && id < other.id)
  }
}

/// Ranks a vocabulary's logits from the top, doing only as much sorting as is asked for.
///
/// The logits are taken in bands below the maximum, each twice as wide as the one before. A band is collected in one
/// scan, made a heap, and popped. Sampling seldom leaves the first band, a few hundred candidates.
package struct LogitRanking {
  /// Heap of the current band, best first; its memory is reused for every token.
  private var heap: [Candidate] = []
  /// Everything at or above this logit has been collected.
  private var floor = Double.infinity
  private var bandWidth = 1.0
  /// The maximum; every candidate has at most this logit.
  package private(set) var largest = -Float.infinity
  private var smallest = Float.infinity

  package init() {}

  /// Starts over with new logits.
  /// - Parameter bandWidth: width of the first band, in logits.
  /// - Throws: `SamplingError.badLogit` on NaN or +∞, `.nothingPossible` when all are −∞.
  package mutating func begin(_ logits: UnsafeBufferPointer<Float>, bandWidth: Double) throws(SamplingError) {
    (smallest, largest) = try finiteRange(of: logits)
    guard largest > -.infinity else { throw .nothingPossible }
    self.bandWidth = bandWidth
    floor = .infinity
    heap.removeAll(keepingCapacity: true)
    heap.reserveCapacity(logits.count)
  }

  /// The best candidate not yet taken; nil when only impossible ones (−∞) are left.
  package mutating func next(in logits: UnsafeBufferPointer<Float>) -> Candidate? {
    while heap.isEmpty {
      guard floor > Double(smallest) else { return nil }
      let ceiling = floor
      floor = (ceiling == .infinity ? Double(largest) : ceiling) - bandWidth
      bandWidth *= 2
      collect(logits, from: Float(floor), below: Float(ceiling))
      // The comparison happened in Float, so the next band must start where this one ended in Float.
      floor = Double(Float(floor))
    }
    return pop()
  }

  private mutating func collect(_ logits: UnsafeBufferPointer<Float>, from low: Float, below high: Float) {
    let low = max(low, -.greatestFiniteMagnitude)
    logits.forEachBlock { block, first in
      guard any((block .>= low) .& (block .< high)) else { return }
      for lane in block.indices where block[lane] >= low && block[lane] < high {
        heap.append(Candidate(logit: block[lane], id: Int32(truncatingIfNeeded: first + lane)))
      }
    }
    for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
  }

  private mutating func pop() -> Candidate? {
    guard let last = heap.popLast() else { return nil }
    guard let best = heap.first else { return last }
    heap[0] = last
    siftDown(0)
    return best
  }

  private mutating func siftDown(_ start: Int) {
    var parent = start
    while true {
      var best = parent
      let left = 2 * parent + 1
      if left < heap.count && heap[left].precedes(heap[best]) { best = left }
      if left + 1 < heap.count && heap[left + 1].precedes(heap[best]) { best = left + 1 }
      guard best != parent else { return }
      heap.swapAt(parent, best)
      parent = best
    }
  }
}
