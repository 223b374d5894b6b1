import DeRa
import DeRaKernels
import DeRaTokenization

/// Draws many answers, several at a time, each with its own λ: a matrix is read once for all that are under way.
///
/// An answer has the bits it would have alone: it does not depend on the others, on how many are drawn together, or on what
/// its place in the batch was used for before.
package final class BatchSampler {
  /// An answer to draw.
  package struct Request: Sendable {
    package var prompt: [Int32]
    /// The prompt that λ of the prompt blends with `prompt`; every request of a sampler for two prompts has one.
    package var reference: [Int32]?
    package var realignment: Realignment
    package var seed: UInt64

    package init(prompt: [Int32], reference: [Int32]? = nil, realignment: Realignment, seed: UInt64) {
      self.prompt = prompt
      self.reference = reference
      self.realignment = realignment
      self.seed = seed
    }
  }

  /// An answer that is complete.
  package struct Drawn: Sendable, Equatable {
    /// Tokens drawn, an end-of-text token included.
    package var tokens: [Int32] = []
    package var text = ""
    package var finishReason = FinishReason.length

    package init(tokens: [Int32] = [], text: String = "", finishReason: FinishReason = .length) {
      self.tokens = tokens
      self.text = text
      self.finishReason = finishReason
    }
  }

  private let loop: AnswerLoop<DecodingBatch, Tokenizer.StreamingDecoder>
  private let options: GenerationOptions
  /// `[places]`: the request that each place draws for, nil in a free one, and the tokens so far.
  private var requests: [Int?]
  private var tokens: [[Int32]]

  /// - Parameters:
  ///   - count: answers under way together.
  ///   - contextLength: most tokens of a prompt and its answer.
  ///   - hasReferencePrompt: requests have two prompts; each takes two sequences.
  ///   - options: their seed does not count; the longest answer must be at least one token.
  ///   - blend: the quantity that λ blends; weights go without a mask.
  /// - Throws: `PromptError.noTokenizer`, `GenerationError.maskedWeights`, `SessionError.outOfMemory`.
  package init(
    bundle: ModelBundle, count: Int, contextLength: Int, hasReferencePrompt: Bool = false, options: GenerationOptions,
    engine: Engine, cacheCodec: CacheCodec = .f16, blend: Blend = .logits
  ) throws {
    guard bundle.tokenizer != nil else { throw PromptError.noTokenizer(path: bundle.path) }
    if blend == .weights && options.sampling.plausible > 0 { throw GenerationError.maskedWeights }
    self.options = options
    let batch = try DecodingBatch(
      bundle: bundle, count: hasReferencePrompt ? 2 * count : count, contextLength: contextLength, engine: engine,
      cacheCodec: cacheCodec, blend: blend)
    for place in count..<batch.sessions.count { batch.sessions[place - count].reference = batch.sessions[place] }
    loop = AnswerLoop(batch)
    requests = [Int?](repeating: nil, count: count)
    tokens = [[Int32]](repeating: [], count: count)
  }

  /// Draws every answer; they finish in no particular order.
  /// - Parameters:
  ///   - shouldContinue: asked before every token; false ends the call with `SessionError.cancelled`.
  ///   - onFinished: gets the request's index and its answer.
  /// - Throws: `GenerationError`, `SamplingError`, `SessionError`, and what `onFinished` throws.
  package func run(
    _ requests: [Request], shouldContinue: @escaping () -> Bool = { true },
    onFinished: (_ request: Int, _ drawn: Drawn) throws -> Void
  ) throws {
    loop.batch.sessions[0].shouldContinue = shouldContinue
    defer {
      for place in self.requests.indices {
        loop.cancel(place)
        self.requests[place] = nil
      }
    }
    var next = 0
    while true {
      while next < requests.count, let place = self.requests.firstIndex(of: nil) {
        try start(requests[next], number: next, at: place)
        next += 1
      }
      if loop.isIdle { return }
      guard shouldContinue() else { throw SessionError.cancelled }
      try loop.step { place, progress in
        if let failure = progress.failure { throw failure }
        if let token = progress.token { tokens[place].append(token) }
        guard let finished = progress.finished, let number = self.requests[place].take() else { return }
        try onFinished(
          number,
          Drawn(tokens: tokens[place], text: finished.text, finishReason: finished.finishReason))
      }
    }
  }

  private func start(_ request: Request, number: Int, at place: Int) throws {
    var options = options
    options.sampling.seed = request.seed
    try loop.start(
      request.prompt, reference: request.reference, of: loop.batch.bundle, at: place, realignment: request.realignment,
      options: options)
    requests[place] = number
    tokens[place].removeAll(keepingCapacity: true)
  }
}
