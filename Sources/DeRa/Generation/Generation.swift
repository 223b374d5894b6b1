/// The conditions that end an answer, besides the model's own end-of-text tokens.
package struct GenerationOptions: Sendable, Equatable {
  package var sampling = SamplingOptions()
  /// Longest answer in tokens; nil goes on until the context is full.
  package var maxTokens: Int?
  /// The answer ends before the first of these to appear; none of its text is shown.
  package var stopStrings: [String] = []

  package init() {}
}

/// Why an answer ended.
package enum FinishReason: String, Sendable, Codable {
  /// The model's end of text, or a stop string.
  case stop
  /// `maxTokens` was reached.
  case length
  /// The context is full.
  case context
  /// The caller asked to stop.
  case cancelled
}

/// An answer and what it cost.
package struct Generation: Sendable, Equatable {
  package var text = ""
  package var finishReason = FinishReason.stop
  package var promptTokens = 0
  /// Prompt tokens that were still in the cache from the call before.
  package var reusedTokens = 0
  /// Tokens drawn, an end-of-text token included.
  package var answerTokens = 0
  /// Seconds until the logits after the prompt were there.
  package var prefillSeconds = 0.0
  /// Seconds from there to the end.
  package var decodeSeconds = 0.0
  /// Seconds from the call to the first token.
  package var timeToFirstToken = 0.0
  /// The seed that repeats this answer.
  package var seed: UInt64 = 0

  package init() {}

  /// Prompt tokens evaluated a second.
  package var prefillRate: Double { rate(promptTokens - reusedTokens, prefillSeconds) }
  /// Tokens a second after the first one.
  package var decodeRate: Double { rate(answerTokens - 1, decodeSeconds) }

  private func rate(_ tokens: Int, _ seconds: Double) -> Double {
    tokens > 0 && seconds > 0 ? Double(tokens) / seconds : 0
  }
}

/// Why generation could not start.
package enum GenerationError: Error, Equatable, CustomStringConvertible {
  case emptyPrompt
  case promptTooLong(tokens: Int, contextLength: Int)
  case badOption(String)
  /// A plausibility mask where weights are blended.
  case maskedWeights

  package var description: String {
    switch self {
    case .maskedWeights:
      "--plausible needs the reference's logits, which --blend weights does not compute; use --blend logits"
    case .emptyPrompt: "the prompt has no tokens; give at least one character"
    case .promptTooLong(let tokens, let contextLength):
      "the prompt has \(tokens) tokens but the context holds \(contextLength); shorten it or raise --context"
    case .badOption(let what): what
    }
  }
}

/// The part of a sequence that generation needs; `DecodingSession` is one.
package protocol TokenSequence: AnyObject {
  var tokens: [Int32] { get }
  var contextLength: Int { get }
  func append(_ tokens: some Collection<Int32>) throws
  func truncate(to count: Int)
  func logits(_ realignment: Realignment) throws -> UnsafeMutableBufferPointer<Float>
}

/// Turns tokens into text, whole characters only.
package protocol TokenTextDecoder {
  mutating func append(_ id: Int32) -> String
  mutating func finish() -> String
}

extension TokenSequence {
  /// Answers a prompt, token by token.
  ///
  /// Whatever the sequence already shares with the beginning of the prompt is kept and not evaluated again. Afterwards
  /// the sequence holds the prompt and the answer, without a final end-of-text token.
  /// - Parameters:
  ///   - decoder: a fresh decoder of the model's tokenizer.
  ///   - endOfText: ids that end the answer.
  ///   - onText: called once a token with text that is now certain (possibly empty); false ends the answer.
  /// - Throws: `GenerationError`, `SamplingError`, and what the sequence throws.
  package func generate(
    prompt: [Int32], decoder: consuming some TokenTextDecoder, endOfText: Set<Int32>, realignment: Realignment,
    options: GenerationOptions, onText: (String) throws -> Bool
  ) throws -> Generation {
    try check(prompt, options)
    var answer = try Answer(prompt: prompt, decoder: decoder, endOfText: endOfText, options: options)
    let mask = PlausibilityMask(alpha: options.sampling.plausible).map(MaskedLogits.init)
    var result = Generation()
    result.seed = answer.seed
    result.promptTokens = prompt.count
    let clock = ContinuousClock()
    let start = clock.now
    result.reusedTokens = try reusePrefix(of: prompt)
    var prefilled = start
    result.finishReason = .length
    while answer.count < options.maxTokens ?? .max {
      guard let logits = try logitsUnlessCancelled(realignment, mask) else {
        result.finishReason = .cancelled
        break
      }
      if answer.count == 0 { prefilled = clock.now }
      let (token, text, ends) = try answer.draw(logits)
      if answer.count == 1 { result.timeToFirstToken = clock.now - start }
      let goesOn = try onText(text)
      if let reason = finishReason(ends: ends, goesOn: goesOn) {
        result.finishReason = reason
        break
      }
      try append(CollectionOfOne(token))
    }
    let rest = answer.finish()
    result.text = answer.text
    result.answerTokens = answer.count
    if !rest.isEmpty && result.finishReason != .cancelled { _ = try onText(rest) }
    result.prefillSeconds = prefilled - start
    result.decodeSeconds = clock.now - prefilled
    return result
  }

  private func logitsUnlessCancelled(
    _ realignment: Realignment, _ mask: MaskedLogits?
  ) throws -> UnsafeMutableBufferPointer<Float>? {
    do {
      return try mask?.logits(self, realignment) ?? logits(realignment)
    } catch SessionError.cancelled { return nil }
  }

  private func check(_ prompt: [Int32], _ options: GenerationOptions) throws(GenerationError) {
    guard !prompt.isEmpty else { throw .emptyPrompt }
    guard prompt.count <= contextLength else {
      throw .promptTooLong(tokens: prompt.count, contextLength: contextLength)
    }
    if let limit = options.maxTokens, limit < 0 { throw .badOption("max tokens is \(limit) but must be 0 or more") }
    if options.stopStrings.contains("") { throw .badOption("a stop string must not be empty") }
  }

  /// Makes the sequence the prompt and returns how many tokens it already had.
  private func reusePrefix(of prompt: [Int32]) throws -> Int {
    let common = zip(tokens, prompt).prefix { $0 == $1 }.count
    truncate(to: common)
    try append(prompt[common...])
    return common
  }

  private func finishReason(ends: Bool, goesOn: Bool) -> FinishReason? {
    if ends { return .stop }
    if !goesOn { return .cancelled }
    return tokens.count >= contextLength ? .context : nil
  }
}

/// Seconds between two instants.
private func - (left: ContinuousClock.Instant, right: ContinuousClock.Instant) -> Double {
  right.duration(to: left) / .seconds(1)
}
