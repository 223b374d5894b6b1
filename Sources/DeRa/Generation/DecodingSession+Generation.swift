import DeRaTokenization

extension DecodingSession: TokenSequence {}

extension Tokenizer.StreamingDecoder: TokenTextDecoder {}

extension DecodingSession {
  /// Answers a prompt with the bundle's tokenizer and end-of-text tokens, as `TokenSequence.generate`.
  /// - Throws: `PromptError.noTokenizer`, `GenerationError`, `SamplingError`, `SessionError`, and what `onText` throws.
  package func generate(
    prompt: [Int32], realignment: Realignment, options: GenerationOptions, onText: (String) throws -> Bool
  ) throws -> Generation {
    guard let tokenizer = bundle.tokenizer else { throw PromptError.noTokenizer(path: bundle.path) }
    if blend == .weights && options.sampling.plausible > 0 { throw GenerationError.maskedWeights }
    if !continues(realignment) { truncate(to: 0) }
    return try generate(
      prompt: prompt, decoder: tokenizer.streamingDecoder(skipSpecial: true),
      endOfText: Set(bundle.manifest.endOfTextIDs.compactMap { Int32(exactly: $0) }), realignment: realignment,
      options: options, onText: onText)
  }
}
