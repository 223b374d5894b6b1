/// Leaves only tokens that the reference model finds plausible: those at least α times as probable as its likeliest one.
///
/// The adaptive plausibility constraint of contrastive decoding (Li et al., arXiv 2210.15097, equation 2), with the
/// reference as the expert. A λ far outside [0, 1] amplifies the difference of two small probabilities; this keeps it from
/// choosing what neither model would say.
package struct PlausibilityMask: Sendable, Equatable {
  package let alpha: Float

  /// - Parameter alpha: above 0, up to 1; nil when it is 0, which is off.
  package init?(alpha: Float) {
    guard alpha > 0 else { return nil }
    self.alpha = alpha
  }

  /// Sets the logits of implausible tokens to −∞.
  /// - Parameters:
  ///   - logits: `[vocabulary]`, blended.
  ///   - reference: `[vocabulary]`, the reference's own; may be the same memory.
  /// - Throws: `SamplingError` when one of the reference's is NaN or +∞, or all are −∞.
  package func apply(
    to logits: UnsafeMutableBufferPointer<Float>, reference: UnsafeBufferPointer<Float>
  ) throws(SamplingError) {
    precondition(logits.count == reference.count, "rows of different vocabularies")
    let largest = try finiteRange(of: reference).1
    guard largest > -.infinity else { throw .nothingPossible }
    let target = UnsafeMutableRawBufferPointer(logits)
    reference.forEachBlock { block, first in
      // Probabilities are compared with our own exponential, so that the choice does not depend on the machine.
      let isImplausible = exponential(ofNonPositive: block - largest) .< alpha
      guard any(isImplausible) else { return }
      let offset = first * MemoryLayout<Float>.stride
      if first + LogitBlock.scalarCount <= logits.count {
        var own = target.loadUnaligned(fromByteOffset: offset, as: LogitBlock.self)
        own.replace(with: -.infinity, where: isImplausible)
        target.storeBytes(of: own, toByteOffset: offset, as: LogitBlock.self)
      } else {
        for index in first..<logits.count where isImplausible[index - first] { logits[index] = -.infinity }
      }
    }
  }
}

extension Realignment {
  /// λ = 0: the reference model alone.
  package var reference: Realignment { Realignment(lambdas: lambdas.map { _ in 0 }, prompt: prompt) }
}
