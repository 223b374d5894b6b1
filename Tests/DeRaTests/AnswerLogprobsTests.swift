import DeRa
import DeRaKernels
import DeRaTestSupport
import DeRaTokenization
import Testing

/// Log-probabilities that answers report, against logits asked for one by one.
@Suite struct AnswerLogprobsTests {
  private let bundle: ModelBundle
  private let prompt: [Int32]

  init() throws {
    bundle = try ModelBundle(path: Fixtures.storyteller)
    prompt = try bundle.tokens(of: "Once upon a time there was a cat")
  }

  private struct Told {
    var tokens: [Int32] = []
    var logprobs: [TokenLogprobs] = []
    var prompt: [TokenLogprobs] = []
  }

  private func tell(
    _ lambda: Float, _ change: (inout GenerationOptions) -> Void, stretch: Int? = nil
  ) throws -> Told {
    let batch = try DecodingBatch(
      bundle: bundle, count: 2, contextLength: 64, engine: Engine(pool: ThreadPool(threads: 1)))
    batch.longestStretch = stretch
    let loop = AnswerLoop<DecodingBatch, Tokenizer.StreamingDecoder>(batch)
    var options = GenerationOptions(plausible: 0.01, repetitionPenalty: 1.3, seed: 7, maxTokens: 8)
    change(&options)
    try loop.start(prompt, of: bundle, at: 1, realignment: Realignment(lambda, models: 2), options: options)
    var told = Told()
    while !loop.isIdle {
      try loop.step { _, progress in
        if let failure = progress.failure { throw failure }
        if let token = progress.token { told.tokens.append(token) }
        if let logprobs = progress.logprobs { told.logprobs.append(logprobs) }
        told.prompt += progress.promptLogprobs
      }
    }
    return told
  }

  /// ln softmax of a model mixture's logits after some tokens.
  private func expected(_ tokens: some Collection<Int32>, _ realignment: Realignment) throws -> [Double] {
    let session = try DecodingSession(bundle: bundle, contextLength: 64, engine: Engine(pool: ThreadPool(threads: 1)))
    try session.append(tokens)
    let logits = UnsafeBufferPointer(try session.logits(realignment))
    let sum = LogitDistribution(logits).logSum
    return logits.map { Double($0) - sum }
  }

  @Test(
    "tokens have the blend's log-probabilities before penalties and masks, and each model's",
    arguments: [0, 0.5, 1, 2] as [Float],
    [nil, 3])
  func answers(lambda: Float, stretch: Int?) throws {
    let plain = try tell(lambda, { _ in })
    let told = try tell(lambda, { ($0.logprobs, $0.explains) = (3, true) }, stretch: stretch)
    #expect(told.tokens == plain.tokens && plain.logprobs.isEmpty)
    #expect(told.logprobs.map(\.token.id) == told.tokens)
    let blend = Realignment(lambda, models: 2)
    for (index, entry) in told.logprobs.enumerated() {
      let before = prompt + told.tokens[..<index]
      let all = try expected(before, blend)
      #expect(entry.token.logprob == all[Int(entry.token.id)])
      let ranked = all.indices.sorted { (all[$0], $1) > (all[$1], $0) }.prefix(3).map(Int32.init)
      #expect(entry.top.map(\.id) == ranked && entry.top.map(\.logprob) == ranked.map { all[Int($0)] })
      let reference = try expected(before, blend.reference)
      #expect(entry.token.models.count == 3 && entry.token.models[0] == reference[Int(entry.token.id)])
      #expect(entry.top.map { $0.models[0] } == ranked.map { reference[Int($0)] })
      if lambda == 1 { #expect(entry.token.models[1] == entry.token.logprob) }
    }
  }

  @Test("so have a prompt's tokens", arguments: [0, 0.5, 1] as [Float])
  func prompts(lambda: Float) throws {
    let told = try tell(lambda, { ($0.logprobs, $0.scoresPrompt, $0.maxTokens) = (2, true, 0) })
    #expect(told.prompt.map(\.token.id) == Array(prompt.dropFirst()) && told.tokens.isEmpty)
    for (index, entry) in told.prompt.enumerated() {
      let all = try expected(prompt[...index], Realignment(lambda, models: 2))
      #expect(entry.token.logprob == all[Int(entry.token.id)] && entry.top.first?.logprob == all.max())
    }
    let both = try tell(lambda, { ($0.logprobs, $0.scoresPrompt) = (0, true) })
    let plain = try tell(lambda, { _ in })
    #expect(both.prompt.count == prompt.count - 1 && both.tokens == plain.tokens)
  }
}
