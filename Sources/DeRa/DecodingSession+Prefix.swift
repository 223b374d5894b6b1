import DeRaTransformer

/// The keys and values of a text's beginning, kept for another text that begins alike.
extension DecodingSession {
  /// Tokens of a text's beginning that need not be computed again under a λ when the session goes on with it.
  package func reusable(of text: [Int32], _ realignment: Realignment) -> Int {
    guard continues(realignment) else { return 0 }
    let weights = runWeights(realignment)
    var count = tokens.commonPrefix(text)
    for model in caches.indices where weights[model] != 0 {
      let isOfKind = model == 0 || isBeside(model) == (weights[0] != 0)
      count = isOfKind ? min(count, caches[model].length) : 0
    }
    let isHeld = caches.indices.allSatisfy { weights[$0] == 0 || caches[$0].holds(count) }
    return isHeld ? count : 0
  }

  /// Makes the beginning of another session's text this one's text, with what the models of a λ have computed of it.
  /// - Parameters:
  ///   - count: at most what is `reusable` of the other.
  ///   - other: a session of the same batch.
  package func takePrefix(_ count: Int, of other: DecodingSession, _ realignment: Realignment) throws(SessionError) {
    truncate(to: tokens.commonPrefix(other.tokens[..<count]))
    mix(realignment)
    let weights = runWeights(realignment)
    for model in caches.indices where weights[model] != 0 {
      if model > 0 { setBeside(weights[0] != 0, model) }
      caches[model].copy(other.caches[model], count: count)
    }
    try append(other.tokens[tokens.count..<count])
  }

  /// `[models of the session]`: the weights of what it runs under a λ; a mixture of weights runs alone.
  func runWeights(_ realignment: Realignment) -> [Float] { blend == .logits ? realignment.weights : [1] }

  /// Tokens that all models of a λ have computed.
  package func computed(_ realignment: Realignment) -> Int {
    let weights = runWeights(realignment)
    return caches.indices.lazy.filter { weights[$0] != 0 }.map { self.caches[$0].length }.min() ?? 0
  }
}

extension Collection where Element: Equatable {
  /// Elements at the beginning that another collection has too.
  package func commonPrefix(_ other: some Sequence<Element>) -> Int { zip(self, other).prefix { $0 == $1 }.count }
}
