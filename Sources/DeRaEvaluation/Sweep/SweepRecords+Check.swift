import DeRa
import DeRaJSON
import DeRaKernels
import DeRaTensorCore

extension SweepHeader {
  /// Most answers to a prompt under one λ, and most answers of a sweep.
  package static let seedLimit = 1_000_000
  package static let sampleLimit = 100_000_000

  /// Whether a reward may have this name.
  package static func isRewardName(_ name: String) -> Bool {
    !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-.".contains($0)) }
  }

  /// Answers that this shard must have; nil where they are more than a sweep may have.
  package var keyCount: Int? {
    let count = Self.product([lambdas.count, seeds, ownPrompts.count])
    return count <= Self.sampleLimit ? count : nil
  }

  /// Does not overflow: stops at the largest number.
  private static func product(_ factors: [Int]) -> Int {
    factors.reduce(1) { product, factor in
      let (value, overflows) = product.multipliedReportingOverflow(by: max(factor, 0))
      return overflows ? .max : value
    }
  }

  /// Checks everything that the command line would have checked.
  /// - Parameter place: the file and the line.
  package func check(at place: String) throws(RecordError) {
    let check = RecordCheck(place: place)
    try check.requireNames(models, "models")
    try check.require(seeds, in: 1...Self.seedLimit, "seeds")
    try check.require(!prompts.isEmpty, "prompts", "at least one prompt")
    try check.require(
      !lambdas.isEmpty && Set(lambdas).count == lambdas.count, "lambdas", "at least one λ, each once")
    for (index, lambda) in lambdas.enumerated() { try self.check(lambda: lambda, "lambdas[\(index)]", check) }
    try check.require(
      Self.product([lambdas.count, seeds, prompts.count]) <= Self.sampleLimit, "seeds",
      "so many that the sweep has at most \(Self.sampleLimit) answers")
    try check.require(Set(rewards).count == rewards.count, "rewards", "names, each once")
    for name in rewards {
      try check.require(Self.isRewardName(name), "rewards", "names of letters, digits and _-.")
      try check.require(settings["reward.\(name)"] != nil, "settings.reward.\(name)", "what reward '\(name)' is")
    }
    try checkSettings(check)
  }

  /// Whether a λ is written as the program writes it.
  func check(lambda: String, _ field: @autoclosure () -> String, _ check: RecordCheck) throws(RecordError) {
    let aligned = models.dropFirst()
    let written = (try? realignment(lambda)).map(text(of:))
    try check.require(
      written == lambda, field(),
      "a λ for \(aligned.isEmpty ? "a bundle without aligned models" : aligned.joined(separator: ", "))")
  }

  /// The first seed, as the settings record it.
  package var firstSeed: UInt64? { settings["seed"].flatMap { UInt64($0) } }
  /// The longest answer.
  var answerLimit: Int { settings["max_tokens"].flatMap { Int($0) } ?? 0 }

  private func checkSettings(_ check: RecordCheck) throws(RecordError) {
    func setting(_ name: String, _ expected: String, _ isValid: (String) -> Bool) throws(RecordError) {
      try check.require(settings[name].map(isValid) ?? false, "settings.\(name)", expected)
    }
    func isDigest(_ text: String) -> Bool { text.utf8.count == 64 && text.allSatisfy(\.isHexDigit) }
    try setting("bundle", "a SHA-256", isDigest)
    try setting("prompts", "a SHA-256", isDigest)
    for name in ["refusals", Self.referencePromptSetting] where settings[name] != nil {
      try setting(name, "a SHA-256", isDigest)
    }
    try setting("kv", "a format of the cache") { CacheCodec(rawValue: $0) != nil }
    try setting("activations", ActivationCoding.rule) { ActivationCoding(rawValue: $0) != nil }
    try setting("blend", "logits or weights") { Blend(rawValue: $0) != nil }
    try setting("context", "a number of tokens") {
      (1...DecodingSession.maximumContext).contains(Int($0) ?? 0)
    }
    try setting("seed", "a whole number") { UInt64($0) != nil }
    try setting("max_tokens", "a number of tokens") { (Int($0) ?? 0) >= 1 }
    var sampling = SamplingOptions()
    for (name, path) in [
      ("temperature", \SamplingOptions.temperature), ("top_p", \.topP), ("plausible", \.plausible),
    ] {
      try setting(name, "a number") { Float($0)?.isFinite == true }
      sampling[keyPath: path] = settings[name].flatMap { Float($0) } ?? 0
    }
    try setting("top_k", "a whole number") { Int($0) != nil }
    sampling.topK = settings["top_k"].flatMap { Int($0) } ?? 0
    do throws(SamplingError) { try sampling.validate() } catch {
      throw RecordError(place: check.place, field: "settings", expected: "what a sampler takes (\(error))")
    }
  }
}

extension SampleRecord {
  /// Checks everything that the sweep would have computed or checked.
  /// - Parameters:
  ///   - header: the file's, checked.
  ///   - metrics: the header's figures.
  ///   - vocabulary: the models' tokens; nil where no bundle is open.
  package func check(
    _ header: SweepHeader, metrics: Set<String>, vocabulary: Int?, at place: String
  ) throws(RecordError) {
    let check = RecordCheck(place: place)
    try header.check(lambda: lambda, "lambda", check)
    try check.require(prompt, in: 0...header.prompts.count - 1, "prompt")
    try check.require(id == header.prompts[prompt].id, "id", "that of prompt \(prompt)")
    try check.require(seed, in: 0...SweepHeader.seedLimit - 1, "seed")
    let expectedSeed = header.firstSeed.map { key.samplerSeed(first: $0) }
    try check.require(samplerSeed == expectedSeed, "sampler_seed", "that of the prompt, the seed and --seed")
    try check.require(
      !tokens.isEmpty && tokens.count <= header.answerLimit, "token_ids", "1 to \(header.answerLimit) tokens")
    let highest = Int32(clamping: (vocabulary ?? .max) - 1)
    try check.require(tokens.allSatisfy { (0...highest).contains($0) }, "token_ids", "ids of the vocabulary")
    for (name, value) in values {
      try check.require(metrics.contains(name), "values.\(name)", "a figure of this sweep")
      try check.require(value, in: SweepMetric.range(of: name), "values.\(name)")
    }
    try check.require(values["tokens"] == Double(tokens.count), "values.tokens", "the number of token_ids")
    try check.require(
      values["finished"] == (finishReason == .stop ? 1 : 0), "values.finished", "1 where the answer ended by itself")
    for name in header.settings["refusals"] == nil ? [] : ["refusal"] {
      try check.require(values[name] == 0 || values[name] == 1, "values.\(name)", "0 or 1")
    }
  }
}

extension SampleKey {
  /// The seed of an answer's sampler: it differs between prompts and seeds, and is the same under every λ, so that what
  /// differs between λ is not chance. Below 2⁵³, as `dera run --seed` takes it.
  package func samplerSeed(first: UInt64) -> UInt64 {
    var mixer = SplitMix64(state: first &+ UInt64(seed))
    var mixed = SplitMix64(state: mixer.next() ^ UInt64(prompt))
    return mixed.next() >> 11
  }
}

extension SweepMetric {
  /// Largest magnitude of a figure: the squares of as many as a sweep may have can be summed.
  package static let magnitudeLimit = 1e100
  /// Sums of divergences of equal distributions may be this far below 0 by rounding.
  private static let rounding = 0.01

  /// The values that a figure can have.
  static func range(of name: String) -> ClosedRange<Double> {
    switch name {
    case "finished", "refusal", "distinct_1", "distinct_2", "repetition", "unsupported": 0...1
    case "tokens": 0...Double(DecodingSession.maximumContext)
    case "kl", "reverse_kl", "entropy": -rounding...magnitudeLimit
    default: -magnitudeLimit...magnitudeLimit
    }
  }
}
