/// An answer as its tokens come: which token is drawn, what text is certain, and whether the answer is complete.
struct AnswerDraft<Decoder: TokenTextDecoder> {
  private var sampler: Sampler
  private var decoder: Decoder
  private var matcher: StopMatcher
  private let endOfText: Set<Int32>
  /// The form that the answer must have; nil for any.
  private var form: AnswerForming?
  private(set) var text = ""
  /// Tokens drawn.
  private(set) var count = 0

  /// - Parameters:
  ///   - decoder: a fresh decoder of the model's tokenizer.
  ///   - endOfText: ids that end the answer.
  /// - Throws: `SamplingError.badOption`, `.grammar`.
  init(
    prompt: [Int32], decoder: consuming Decoder, endOfText: Set<Int32>, options: GenerationOptions
  ) throws(SamplingError) {
    sampler = try Sampler(options.sampling)
    sampler.start(prompt: prompt)
    matcher = StopMatcher(options.stopStrings)
    self.decoder = decoder
    let ends = options.ignoresEndOfText ? [] : endOfText.union(options.furtherEnds)
    self.endOfText = ends
    form = try options.constraint.map { constraint throws(SamplingError) in try AnswerForming(constraint, ends: ends) }
  }

  /// The seed that repeats this answer.
  var seed: UInt64 { sampler.seed }

  /// Draws the next token.
  /// - Parameter logits: `[vocabulary]`, blended; may be changed.
  /// - Returns: the token, the text it makes certain, and whether it ends the answer.
  /// - Throws: `SamplingError`.
  mutating func draw(
    _ logits: UnsafeMutableBufferPointer<Float>
  ) throws(SamplingError) -> (token: Int32, text: String, ends: Bool) {
    try form?.mask(logits)
    let token = try sampler.sample(logits)
    count += 1
    let ends = endOfText.contains(token)
    if !ends { try form?.advance(token) }
    let new = matcher.append(ends ? decoder.finish() : decoder.append(token))
    text += new
    return (token, new, ends || matcher.isMatched || form?.isComplete ?? false)
  }

  /// The text that was held back.
  mutating func finish() -> String {
    let rest = matcher.append(decoder.finish()) + matcher.finish()
    text += rest
    return rest
  }
}
