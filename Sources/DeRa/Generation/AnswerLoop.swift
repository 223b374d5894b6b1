/// Answers under way in the sequences of a batch. A step draws one token of each; everything that generates text, for
/// one sequence or many, goes through it.
///
/// An answer's bits do not depend on the others, on how many there are, or on what its sequence was used for before.
package final class AnswerLoop<Batch: TokenBatch, Decoder: TokenTextDecoder> {
  /// One token of an answer, or its end.
  package struct Progress {
    /// The token drawn; nil when an answer of no tokens ends.
    package var token: Int32?
    /// Text that is now certain, whole characters; may be empty.
    package var text = ""
    /// Set when the answer is complete: its place is free again.
    package var finished: Generation?
    /// Why no token could be drawn: the answer has ended without being complete.
    package var failure: (any Error)?
    /// The token's, where they were asked for.
    package var logprobs: TokenLogprobs?
    /// The next ones of the prompt, whose first token has none; where they were asked for.
    package var promptLogprobs: [TokenLogprobs] = []
  }

  struct Place {
    var realignment: Realignment
    var draft: AnswerDraft<Decoder>
    var maxTokens: Int
    var mask: PlausibilityMask?
    /// Likeliest tokens that are reported with every token; nil for no log-probabilities.
    var logprobs: Int?
    var explains: Bool
    /// Whether log-probabilities of the prompt's tokens are still to be computed.
    var scores: Bool
    var generation: Generation
    var start: ContinuousClock.Instant
    var prefilled: ContinuousClock.Instant?
    /// The token drawn, while other models are asked about it.
    var drawn: Drawn?
    /// The model that is asked next.
    var asks = 0

    /// The λ whose distribution tells what is plausible: the reference's, or, with two prompts, the plain prompt's, since
    /// a reference prompt is there to be turned away from.
    func maskRealignment(hasReference: Bool) -> Realignment {
      hasReference ? Realignment(lambdas: realignment.lambdas) : realignment.reference
    }

    func masksItself(hasReference: Bool) -> Bool {
      hasReference ? realignment.prompt == 1 : realignment.soleModel == 0
    }
  }

  struct Drawn {
    var token: Int32
    var text: String
    var ends: Bool
    var logprobs: TokenLogprobs?
  }

  package let batch: Batch
  /// `[sequences]`: the answer in each; nil where there is none.
  var places: [Place?]
  /// `[sequences]`: what the batch is asked for, kept so that a step makes no array.
  var wanted: [Realignment?]
  /// `[sequences]`: blended logits `[vocabulary]` that wait for the reference's; empty until a mask needs them.
  private var stashes: [[Float]]
  /// Blended logits whose token is not drawn yet, `[sequences]`.
  private var rows: [LogitRow]
  /// Memory of `scorePrompt`.
  var row = LogitRow()
  /// The place whose prompt's log-probabilities were computed last.
  var lastScored = -1
  private let clock = ContinuousClock()

  package init(_ batch: Batch) {
    self.batch = batch
    places = batch.sequences.map { _ in nil }
    wanted = places.map { _ in nil }
    stashes = places.map { _ in [] }
    rows = places.map { _ in LogitRow() }
  }

  /// A sequence without an answer; nil when all are busy.
  package var freePlace: Int? { places.firstIndex { $0 == nil } }
  package var isIdle: Bool { places.allSatisfy { $0 == nil } }

  /// Begins an answer in a free place.
  ///
  /// What the sequence already shares with the beginning of the prompt is kept and not computed again. Afterwards the
  /// sequence holds the prompt and the answer, without a final end-of-text token.
  /// - Parameters:
  ///   - reference: the reference prompt, for the sequence's `reference`; nil where it has none.
  ///   - decoder: a fresh decoder of the model's tokenizer.
  ///   - endOfText: ids that end the answer.
  /// - Throws: `GenerationError`, `SamplingError`, and what the sequence throws. The place stays free then.
  package func start(
    _ prompt: [Int32], reference: [Int32]? = nil, at place: Int, decoder: consuming Decoder, endOfText: Set<Int32>,
    realignment: Realignment, options: GenerationOptions
  ) throws {
    precondition(places[place] == nil, "an answer is under way in this place")
    let sequence = batch.sequences[place]
    try batch.checkUnchanged()
    precondition((reference == nil) == (sequence.reference == nil), "two prompts need two sequences")
    try options.check(prompt: prompt, reference: reference, contextLength: sequence.contextLength, blend: batch.blend)
    let draft = try AnswerDraft(prompt: prompt, decoder: decoder, endOfText: endOfText, options: options)
    var generation = Generation()
    generation.seed = draft.seed
    generation.promptTokens = prompt.count
    let start = clock.now
    if !sequence.continues(realignment) || options.scoresPrompt { sequence.truncate(to: 0) }
    generation.reusedTokens = try sequence.replace(with: prompt)
    if let reference, let other = sequence.reference {
      if !other.continues(realignment) { other.truncate(to: 0) }
      _ = try other.replace(with: reference)
    }
    places[place] = Place(
      realignment: realignment, draft: draft, maxTokens: options.maxTokens ?? .max,
      mask: PlausibilityMask(alpha: options.sampling.plausible), logprobs: options.logprobs,
      explains: options.explains && batch.blend == .logits, scores: options.scoresPrompt, generation: generation,
      start: start)
  }

  /// Changes λ from the next token on.
  package func setRealignment(_ realignment: Realignment, at place: Int) {
    places[place]?.realignment = realignment
  }

  /// Draws a token of every answer that is under way.
  /// - Parameter body: gets the place and what became of it; must not start an answer.
  /// - Throws: what the batch throws (`SessionError.cancelled` between the passes of a long prompt: another step goes on
  ///   from there), and what `body` throws.
  package func step(_ body: (_ place: Int, _ progress: Progress) throws -> Void) throws {
    try scorePrompt(body)
    var waiting = 0
    for place in places.indices {
      if places[place]?.maxTokens == 0, places[place]?.scores == false { try end(place, Progress(), .length, body) }
      wanted[place] = places[place].flatMap { $0.scores || $0.drawn != nil ? nil : $0.realignment }
    }
    try batch.logits(wanted, of: nil) { place, logits in
      if let count = places[place]?.logprobs { rows[place].keep(UnsafeBufferPointer(logits), top: count) }
      guard let mask = places[place]?.mask else { return try draw(logits, place, body) }
      // Second, so that the models run beside each other as they do without a mask.
      if places[place]?.masksItself(hasReference: batch.sequences[place].reference != nil) == true {
        try masked(place, body) { () throws(SamplingError) in
          try mask.apply(to: logits, reference: UnsafeBufferPointer(logits))
        }
        if places[place] != nil { try draw(logits, place, body) }
        wanted[place] = nil
      } else {
        stashes[place].replaceSubrange(0..., with: logits)
        wanted[place] = places[place]?.maskRealignment(hasReference: batch.sequences[place].reference != nil)
        waiting += 1
      }
    }
    if waiting > 0 { try drawMasked(body) }
    try explain(body)
  }

  /// Draws where a mask needed the reference's own logits.
  private func drawMasked(_ body: (Int, Progress) throws -> Void) throws {
    for place in places.indices where places[place]?.mask == nil || stashes[place].isEmpty { wanted[place] = nil }
    try batch.logits(wanted, of: nil) { place, reference in
      guard let mask = places[place]?.mask else { return }
      var stash: [Float] = []
      swap(&stash, &stashes[place])
      defer { swap(&stash, &stashes[place]) }
      try stash.withUnsafeMutableBufferPointer { logits in
        try masked(place, body) { () throws(SamplingError) in
          try mask.apply(to: logits, reference: UnsafeBufferPointer(reference))
        }
        if places[place] != nil { try draw(logits, place, body) }
      }
    }
  }

  /// Ends an answer before it is complete.
  /// - Returns: what there is of it; nil when the place is free.
  @discardableResult
  package func cancel(_ place: Int) -> Generation? {
    guard var ended = places[place].take() else { return nil }
    _ = ended.draft.finish()
    return result(of: ended, .cancelled)
  }

  /// Applies a mask; an answer whose reference has no plausible token ends.
  private func masked(
    _ place: Int, _ body: (Int, Progress) throws -> Void, _ apply: () throws(SamplingError) -> Void
  ) throws {
    do throws(SamplingError) { try apply() } catch { try fail(place, error, body) }
  }

  private func draw(
    _ logits: UnsafeMutableBufferPointer<Float>, _ place: Int, _ body: (Int, Progress) throws -> Void
  ) throws {
    guard places[place] != nil else { return }
    let now = clock.now
    var drawn: Drawn
    do throws(SamplingError) {
      guard let result = try places[place]?.draft.draw(logits) else { return }
      drawn = Drawn(token: result.token, text: result.text, ends: result.ends)
      if places[place]?.logprobs != nil { drawn.logprobs = rows[place].logprobs(of: result.token) }
    } catch {
      return try fail(place, error, body)
    }
    if let start = places[place]?.start, places[place]?.prefilled == nil {
      places[place]?.prefilled = now
      places[place]?.generation.timeToFirstToken = clock.now - start
    }
    if places[place]?.explains == true {
      places[place]?.drawn = drawn
      places[place]?.asks = 0
    } else {
      try commit(drawn, place, body)
    }
  }

  /// Makes a token part of the answer.
  func commit(_ drawn: Drawn, _ place: Int, _ body: (Int, Progress) throws -> Void) throws {
    places[place]?.drawn = nil
    let sequence = batch.sequences[place]
    let progress = Progress(token: drawn.token, text: drawn.text, logprobs: drawn.logprobs)
    if drawn.ends { return try end(place, progress, .stop, body) }
    let length = max(sequence.tokens.count, sequence.reference?.tokens.count ?? 0)
    if length >= sequence.contextLength { return try end(place, progress, .context, body) }
    try sequence.append(CollectionOfOne(drawn.token))
    try sequence.reference?.append(CollectionOfOne(drawn.token))
    if (places[place]?.draft.count ?? 0) >= (places[place]?.maxTokens ?? 0) {
      return try end(place, progress, .length, body)
    }
    try body(place, progress)
  }

  private func end(
    _ place: Int, _ progress: Progress, _ reason: FinishReason, _ body: (Int, Progress) throws -> Void
  ) throws {
    guard var ended = places[place].take() else { return }
    var progress = progress
    progress.text += ended.draft.finish()
    progress.finished = result(of: ended, reason)
    try body(place, progress)
  }

  func fail(_ place: Int, _ error: any Error, _ body: (Int, Progress) throws -> Void) throws {
    places[place] = nil
    try body(place, Progress(failure: error))
  }

  private func result(of place: Place, _ reason: FinishReason) -> Generation {
    var generation = place.generation
    let prefilled = place.prefilled ?? place.start
    generation.text = place.draft.text
    generation.finishReason = reason
    generation.answerTokens = place.draft.count
    generation.prefillSeconds = prefilled - place.start
    generation.decodeSeconds = clock.now - prefilled
    return generation
  }
}

/// Seconds between two instants.
private func - (left: ContinuousClock.Instant, right: ContinuousClock.Instant) -> Double {
  right.duration(to: left) / .seconds(1)
}
