import DeRaTokenization

extension TokenBatch {
  /// Answers a prompt in the batch's first sequence, token by token.
  /// - Parameters:
  ///   - decoder: a fresh decoder of the model's tokenizer.
  ///   - endOfText: ids that end the answer.
  ///   - onText: called once a token with text that is now certain (possibly empty); false ends the answer.
  /// - Throws: `GenerationError`, `SamplingError`, and what the sequence and `onText` throw.
  package func generate<Decoder: TokenTextDecoder>(
    prompt: [Int32], reference: [Int32]? = nil, decoder: consuming Decoder, endOfText: Set<Int32>,
    realignment: Realignment,
    options: GenerationOptions, onText: (String) throws -> Bool
  ) throws -> Generation {
    let loop = AnswerLoop<Self, Decoder>(self)
    try loop.start(
      prompt, reference: reference, at: 0, decoder: decoder, endOfText: endOfText, realignment: realignment,
      options: options)
    var finished: Generation?
    var goesOn = true
    while finished == nil {
      do {
        try loop.step { _, progress in
          if let failure = progress.failure { throw failure }
          finished = progress.finished
          if progress.token != nil || !progress.text.isEmpty { goesOn = try onText(progress.text) }
        }
      } catch SessionError.cancelled { goesOn = false }
      if !goesOn, finished == nil { finished = loop.cancel(0) }
    }
    return finished ?? Generation()
  }
}

extension DecodingSession {
  /// Answers a prompt with the bundle's tokenizer and end-of-text tokens.
  /// - Throws: `PromptError.noTokenizer`, `GenerationError`, `SamplingError`, `SessionError`, and what `onText` throws.
  package func generate(
    prompt: [Int32], reference: [Int32]? = nil, realignment: Realignment, options: GenerationOptions,
    onText: (String) throws -> Bool
  ) throws -> Generation {
    guard let tokenizer = bundle.tokenizer else { throw PromptError.noTokenizer(path: bundle.path) }
    return try generate(
      prompt: prompt, reference: reference, decoder: tokenizer.streamingDecoder(skipSpecial: true, after: prompt),
      endOfText: bundle.endOfText,
      realignment: realignment, options: options, onText: onText)
  }
}

extension ModelBundle {
  /// Ids that end an answer.
  package var endOfText: Set<Int32> { Set(manifest.endOfTextIDs.compactMap { Int32(exactly: $0) }) }
}

extension AnswerLoop where Decoder == Tokenizer.StreamingDecoder {
  /// Begins an answer that is written as the continuation of its prompt and ends where the bundle says.
  /// - Throws: `PromptError.noTokenizer`, and as `start` with a decoder.
  package func start(
    _ prompt: [Int32], reference: [Int32]? = nil, of bundle: ModelBundle, at place: Int, realignment: Realignment,
    options: GenerationOptions
  ) throws {
    guard let tokenizer = bundle.tokenizer else { throw PromptError.noTokenizer(path: bundle.path) }
    try start(
      prompt, reference: reference, at: place, decoder: tokenizer.streamingDecoder(skipSpecial: true, after: prompt),
      endOfText: bundle.endOfText, realignment: realignment, options: options)
  }
}
