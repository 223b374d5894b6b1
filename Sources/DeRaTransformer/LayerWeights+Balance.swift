import DeRaModelSpec

extension LayerWeights {
  /// The layer with the gains of its keys' norm moved, as far as they are powers of two, to its queries' norm.
  ///
  /// A key's gains can differ thirtyfold, and an int8 cache has one step for all of a head's elements. A score is a sum of
  /// query · key, and both elements that a rotation mixes get the same factor, so what the one loses the other may have.
  /// Factors are powers of two: every product and so every score has the same bits as before, but where an f16 cache would have
  /// subnormal numbers.
  /// - Parameter memory: holds the new norms.
  func balancingKeys(_ configuration: ModelConfiguration, _ memory: WeightMemory) -> LayerWeights {
    guard configuration.architecture.queryKeyNorm == .perHead, let keyNorm, let queryNorm else { return self }
    let (width, half) = (configuration.headDim, configuration.headDim / 2)
    var keys = (0..<width).map { keyNorm[$0] }
    var queries = (0..<width).map { queryNorm[$0] }
    for pair in 0..<half {
      let largest = max(keys[pair].magnitude, keys[pair + half].magnitude)
      guard largest.isNormal else { continue }
      let factor = Float(sign: .plus, exponent: largest.exponent, significand: 1)
      for element in [pair, pair + half] {
        keys[element] /= factor
        queries[element] *= factor
      }
    }
    guard (keys + queries).allSatisfy(\.isFinite) else { return self }
    var copy = self
    copy.keyNorm = memory.store(keys).baseAddress
    copy.queryNorm = memory.store(queries).baseAddress
    return copy
  }
}
