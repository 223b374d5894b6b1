/// Draws tokens from blended logits as `SamplingOptions` says; one per sequence.
///
/// The same options, seed, history and logits give the same token on every machine. Nothing is allocated per token once
/// the buffers have grown to the vocabulary's size.
package struct Sampler {
  package let options: SamplingOptions
  /// The seed in use: the options', or the one taken from the system.
  package let seed: UInt64
  private var generator: RandomGenerator
  private var ranking = LogitRanking()
  private var kept: [TokenProbability] = []
  /// How often each token is in the answer; 0 for tokens that are only in the prompt.
  private var history: [Int32: Int32] = [:]

  /// - Throws: `SamplingError.badOption`.
  package init(_ options: SamplingOptions) throws(SamplingError) {
    try options.validate()
    self.options = options
    var system = SystemRandomNumberGenerator()
    // Seeds stay below 2⁵³ so that they survive JSON readers that hold numbers as doubles.
    seed = options.seed ?? system.next() >> 11
    generator = RandomGenerator(seed: seed)
  }

  /// Counts the prompt for the repetition penalty and forgets everything before it.
  package mutating func start(prompt: some Sequence<Int32>) {
    history.removeAll(keepingCapacity: true)
    guard options.repetitionPenalty != 1 else { return }
    for token in prompt { history[token] = 0 }
  }

  /// Draws the next token and counts it as part of the answer.
  /// - Parameter logits: `[vocabulary]`, blended; bias and penalties are applied in place.
  /// - Throws: `SamplingError` when a logit is NaN or +∞, or no token is possible.
  package mutating func sample(_ logits: UnsafeMutableBufferPointer<Float>) throws(SamplingError) -> Int32 {
    try adjust(logits)
    let token = try choose(UnsafeBufferPointer(logits))
    accept(token)
    return token
  }

  /// Counts a token as part of the answer without drawing it.
  package mutating func accept(_ token: Int32) {
    if penalises { history[token, default: 0] += 1 }
  }

  /// The distribution `sample` would draw from, most probable first, its probabilities summing to 1.
  /// - Parameter logits: `[vocabulary]`, blended; bias and penalties are applied in place.
  /// - Throws: as `sample`.
  package mutating func distribution(
    _ logits: UnsafeMutableBufferPointer<Float>
  ) throws(SamplingError) -> [TokenProbability] {
    try adjust(logits)
    guard options.temperature > 0 else {
      return [TokenProbability(id: try greedyChoice(UnsafeBufferPointer(logits)).id, probability: 1)]
    }
    let mass = try truncate(UnsafeBufferPointer(logits), stoppingAt: nil)
    return kept.map { TokenProbability(id: $0.id, probability: $0.probability / mass) }
  }

  private var penalises: Bool {
    options.repetitionPenalty != 1 || options.frequencyPenalty != 0 || options.presencePenalty != 0
  }

  /// Logit bias, then penalties.
  private func adjust(_ logits: UnsafeMutableBufferPointer<Float>) throws(SamplingError) {
    for (token, bias) in options.logitBias {
      guard token >= 0, Int(token) < logits.count else {
        throw .biasOutOfRange(token: token, vocabulary: logits.count)
      }
      logits[Int(token)] += bias
    }
    guard penalises else { return }
    for (token, count) in history where token >= 0 && Int(token) < logits.count {
      var logit = logits[Int(token)]
      logit = logit > 0 ? logit / options.repetitionPenalty : logit * options.repetitionPenalty
      if count > 0 { logit -= options.frequencyPenalty * Float(count) + options.presencePenalty }
      logits[Int(token)] = logit
    }
  }

  private mutating func choose(_ logits: UnsafeBufferPointer<Float>) throws(SamplingError) -> Int32 {
    guard options.temperature > 0 else { return try greedyChoice(logits).id }
    let unit = generator.nextUnit()
    let mass = try truncate(logits, stoppingAt: unit)
    var remaining = unit * mass
    for candidate in kept {
      remaining -= candidate.probability
      if remaining < 0 { return candidate.id }
    }
    // Rounding can leave a crumb; it belongs to the last candidate.
    guard let last = kept.last else { throw .nothingPossible }
    return last.id
  }

  /// Fills `kept` with the candidates that survive top-k, top-p and min-p and their weights relative to the best one.
  /// - Parameter unit: where the draw will fall, so that an untruncated ranking need not go on past it; nil ranks all.
  /// - Returns: the mass of the distribution in the same unit.
  private mutating func truncate(
    _ logits: UnsafeBufferPointer<Float>, stoppingAt unit: Double?
  ) throws(SamplingError) -> Double {
    // Eight temperatures below the best logit a token is 3000 times less probable than the best.
    try ranking.begin(logits, bandWidth: max(1, 8 * Double(options.temperature)))
    kept.removeAll(keepingCapacity: true)
    kept.reserveCapacity(logits.count)
    if options.topK > 0 && options.topK < logits.count {
      var total = 0.0
      while kept.count < options.topK, keepNext(logits) { total += kept[kept.count - 1].probability }
      return cut(total)
    }
    let total = totalWeight(logits, largest: ranking.largest, temperature: options.temperature)
    if options.topP == 1 && options.minP == 0 {
      var mass = 0.0
      while unit.map({ mass <= total * $0 }) ?? true, keepNext(logits) { mass += kept[kept.count - 1].probability }
      return unit == nil ? mass : total
    }
    var mass = 0.0
    while mass < nucleus(total), keepNext(logits) {
      guard kept[kept.count - 1].probability >= Double(options.minP) else {
        kept.removeLast()
        break
      }
      mass += kept[kept.count - 1].probability
    }
    return mass
  }

  /// Appends the next best candidate to `kept`; false when none is left.
  private mutating func keepNext(_ logits: UnsafeBufferPointer<Float>) -> Bool {
    guard let candidate = ranking.next(in: logits) else { return false }
    let exponent = (Double(candidate.logit) - Double(ranking.largest)) / Double(options.temperature)
    kept.append(TokenProbability(id: candidate.id, probability: exponential(ofNonPositive: exponent)))
    return true
  }

  /// Top-p and min-p on the candidates in `kept`, whose weights sum to `total`. Returns the mass still kept.
  private mutating func cut(_ total: Double) -> Double {
    var mass = 0.0
    var count = 0
    while count < kept.count, mass < nucleus(total), kept[count].probability >= Double(options.minP) {
      mass += kept[count].probability
      count += 1
    }
    kept.removeLast(kept.count - count)
    return mass
  }

  /// The mass at which top-p stops.
  private func nucleus(_ total: Double) -> Double { options.topP == 1 ? .infinity : Double(options.topP) * total }
}

/// A token and how probable it is.
package struct TokenProbability: Sendable, Equatable {
  package var id: Int32
  package var probability: Double
}
