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
    package var realignment: Realignment
    package var seed: UInt64

    package init(prompt: [Int32], realignment: Realignment, seed: UInt64) {
      self.prompt = prompt
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
  }

  private struct Place {
    var request: Int
    var realignment: Realignment
    var answer: Answer<Tokenizer.StreamingDecoder>
    var tokens: [Int32] = []
  }

  private let batch: DecodingBatch
  private let tokenizer: Tokenizer
  private let options: GenerationOptions
  private let mask: PlausibilityMask?
  private let endOfText: Set<Int32>
  /// Blended logits that wait for the reference's, `[places, vocabulary]`; empty without a mask.
  private var stash: [Float]
  private var places: [Place?]

  /// - Parameters:
  ///   - count: answers under way together.
  ///   - contextLength: most tokens of a prompt and its answer.
  ///   - options: their seed does not count; the longest answer must be at least one token.
  ///   - blend: the quantity that λ blends; weights go without a mask.
  /// - Throws: `PromptError.noTokenizer`, `GenerationError.maskedWeights`, `SessionError.outOfMemory`.
  package init(
    bundle: ModelBundle, count: Int, contextLength: Int, options: GenerationOptions, engine: Engine,
    cacheCodec: CacheCodec = .f16, blend: Blend = .logits
  ) throws {
    guard let tokenizer = bundle.tokenizer else { throw PromptError.noTokenizer(path: bundle.path) }
    if blend == .weights && options.sampling.plausible > 0 { throw GenerationError.maskedWeights }
    self.tokenizer = tokenizer
    self.options = options
    batch = try DecodingBatch(
      bundle: bundle, count: count, contextLength: contextLength, engine: engine, cacheCodec: cacheCodec,
      blend: blend)
    mask = PlausibilityMask(alpha: options.sampling.plausible)
    endOfText = Set(bundle.manifest.endOfTextIDs.compactMap { Int32(exactly: $0) })
    stash = [Float](repeating: 0, count: mask == nil ? 0 : count * bundle.configuration.vocabularySize)
    places = [Place?](repeating: nil, count: count)
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
    batch.sessions[0].shouldContinue = shouldContinue
    places = places.map { _ in nil }
    var next = 0
    while true {
      for place in places.indices where places[place] == nil && next < requests.count {
        try start(requests[next], number: next, at: place)
        next += 1
      }
      if places.allSatisfy({ $0 == nil }) { return }
      guard shouldContinue() else { throw SessionError.cancelled }
      try step(onFinished)
    }
  }

  private func start(_ request: Request, number: Int, at place: Int) throws {
    let session = batch.sessions[place]
    guard !request.prompt.isEmpty else { throw GenerationError.emptyPrompt }
    guard request.prompt.count <= session.contextLength else {
      throw GenerationError.promptTooLong(tokens: request.prompt.count, contextLength: session.contextLength)
    }
    // Nothing is kept of the answer before: a cache filled under another λ can differ in its last bits.
    session.truncate(to: 0)
    try session.append(request.prompt)
    var options = options
    options.sampling.seed = request.seed
    places[place] = Place(
      request: number, realignment: request.realignment,
      answer: try Answer(
        prompt: request.prompt, decoder: tokenizer.streamingDecoder(skipSpecial: true), endOfText: endOfText,
        options: options))
  }

  /// Draws a token of every answer that is under way.
  private func step(_ onFinished: (Int, Drawn) throws -> Void) throws {
    let realignments = places.map { $0?.realignment }
    guard let mask else {
      return try batch.logits(realignments) { place, logits in try draw(logits, place, onFinished) }
    }
    let width = batch.bundle.configuration.vocabularySize
    try batch.logits(realignments) { place, logits in
      stash.replaceSubrange(place * width..<(place + 1) * width, with: logits)
    }
    // Second, so that the models run beside each other as they do without a mask.
    try batch.logits(realignments.map { $0?.reference }) { place, reference in
      try stash.withUnsafeMutableBufferPointer { stash in
        let logits = UnsafeMutableBufferPointer(rebasing: stash[place * width..<(place + 1) * width])
        try mask.apply(to: logits, reference: UnsafeBufferPointer(reference))
        try draw(logits, place, onFinished)
      }
    }
  }

  private func draw(
    _ logits: UnsafeMutableBufferPointer<Float>, _ place: Int, _ onFinished: (Int, Drawn) throws -> Void
  ) throws {
    guard let (token, _, ends) = try places[place]?.answer.draw(logits) else { return }
    places[place]?.tokens.append(token)
    let session = batch.sessions[place]
    var reason: FinishReason?
    if ends {
      reason = .stop
    } else if session.tokens.count >= session.contextLength {
      reason = .context
    } else if places[place]?.tokens.count ?? 0 >= options.maxTokens ?? .max {
      reason = .length
    }
    guard let reason else { return try session.append(CollectionOfOne(token)) }
    guard var finished = places[place].take() else { return }
    _ = finished.answer.finish()
    try onFinished(
      finished.request, Drawn(tokens: finished.tokens, text: finished.answer.text, finishReason: reason))
  }
}
