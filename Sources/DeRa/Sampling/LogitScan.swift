/// Logits looked at together, whatever the machine's vectors are.
typealias LogitBlock = SIMD16<Float>

extension UnsafeBufferPointer<Float> {
  /// Calls `body` with all elements in order, 16 at a time, and the index of the first of them; the last block is filled
  /// with −∞, which no scan of logits takes for a candidate.
  @inline(__always)
  func forEachBlock(_ body: (_ block: LogitBlock, _ first: Int) -> Void) {
    let raw = UnsafeRawBufferPointer(self)
    let whole = count / LogitBlock.scalarCount * LogitBlock.scalarCount
    for first in stride(from: 0, to: whole, by: LogitBlock.scalarCount) {
      body(raw.loadUnaligned(fromByteOffset: first * MemoryLayout<Float>.stride, as: LogitBlock.self), first)
    }
    guard whole < count else { return }
    var rest = LogitBlock(repeating: -.infinity)
    for index in whole..<count { rest[index - whole] = self[index] }
    body(rest, whole)
  }
}

/// Smallest logit that is not −∞, and the largest (−∞ when there is no other).
/// - Throws: `SamplingError.badLogit` on NaN or +∞.
func finiteRange(of logits: UnsafeBufferPointer<Float>) throws(SamplingError) -> (Float, Float) {
  var smallest = LogitBlock(repeating: .infinity)
  var largest = LogitBlock(repeating: -.infinity)
  var isGood = SIMDMask<SIMD16<Int32>>(repeating: true)
  logits.forEachBlock { block, _ in
    isGood .&= block .< .infinity
    largest.replace(with: block, where: block .> largest)
    smallest.replace(with: block, where: (block .< smallest) .& (block .> -.infinity))
  }
  if !all(isGood), let token = logits.firstIndex(where: { !($0 < .infinity) }) {
    throw .badLogit(token: token, value: logits[token])
  }
  return (smallest.min(), largest.max())
}

/// The largest logit, the lowest id on a tie.
/// - Throws: `SamplingError.badLogit` on NaN or +∞, `.nothingPossible` when all are −∞.
package func greedyChoice(_ logits: UnsafeBufferPointer<Float>) throws(SamplingError) -> Candidate {
  let largest = try finiteRange(of: logits).1
  guard largest > -.infinity, let id = logits.firstIndex(of: largest) else { throw .nothingPossible }
  return Candidate(logit: largest, id: Int32(truncatingIfNeeded: id))
}

/// Σ exp((logit − largest) / temperature) over the vocabulary, in f32: sums of 64 blocks, added in order in f64. Relative
/// error below 1e-6.
func totalWeight(_ logits: UnsafeBufferPointer<Float>, largest: Float, temperature: Float) -> Double {
  var sums = LogitBlock()
  var total = 0.0
  logits.forEachBlock { block, first in
    sums += exponential(ofNonPositive: (block - largest) / temperature)
    guard first / LogitBlock.scalarCount % 64 == 63 else { return }
    total += Double(sums.sum())
    sums = LogitBlock()
  }
  return total + Double(sums.sum())
}
