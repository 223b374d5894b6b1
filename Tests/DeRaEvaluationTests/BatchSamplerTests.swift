import DeRa
import DeRaEvaluation
import DeRaKernels
import DeRaTestSupport
import FoundationEssentials
import Testing

@Suite struct BatchSamplerTests {
  private func storyteller() throws -> ModelBundle { try ModelBundle(path: Fixtures.storyteller) }

  private func options(plausible: Float) -> GenerationOptions {
    var options = GenerationOptions()
    options.maxTokens = 20
    options.sampling.temperature = 1
    options.sampling.topK = 0
    options.sampling.topP = 1
    options.sampling.plausible = plausible
    options.stopStrings = [" and a"]
    return options
  }

  @Test("answers are those of one sequence alone", arguments: [0, 0.1] as [Float], [1, 3, 16])
  func batchesChangeNothing(plausible: Float, count: Int) throws {
    try expectAloneAndTogetherAreTheSame(count, plausible: plausible, blend: .logits)
  }

  @Test("so they are where weights are blended", arguments: [1, 5])
  func batchesChangeNothing(count: Int) throws {
    try expectAloneAndTogetherAreTheSame(count, plausible: 0, blend: .weights)
  }

  private func expectAloneAndTogetherAreTheSame(_ count: Int, plausible: Float, blend: Blend) throws {
    let bundle = try storyteller()
    let engine = try Engine(pool: ThreadPool(threads: 1))
    let format = try PromptFormat(bundle)
    let prompts = try ["Once upon a time", "The dog", "One day, a girl went to the park. She"].map {
      try format.tokens(text: $0)
    }
    let lambdas: [[Float]] = [[0, 0], [1, 0], [0.5, 0.5], [-2, 0], [5, 0]]
    let requests = lambdas.enumerated().flatMap { number, lambda in
      prompts.map {
        BatchSampler.Request(
          prompt: $0, realignment: Realignment(lambdas: lambda), seed: UInt64(number * 7 + $0.count))
      }
    }
    let sampler = try BatchSampler(
      bundle: bundle, count: count, contextLength: 32, options: options(plausible: plausible), engine: engine,
      blend: blend)
    // Twice, so that the second time finds the caches of the first.
    for _ in 0..<2 {
      var drawn = [BatchSampler.Drawn?](repeating: nil, count: requests.count)
      try sampler.run(requests) { request, answer in
        #expect(drawn[request] == nil)
        drawn[request] = answer
      }
      for (request, answer) in zip(requests, drawn) {
        let answer = try #require(answer)
        let session = try DecodingSession(bundle: bundle, contextLength: 32, engine: engine, blend: blend)
        var options = options(plausible: plausible)
        options.sampling.seed = request.seed
        let alone = try session.generate(
          prompt: request.prompt, realignment: request.realignment, options: options
        ) { _ in true }
        #expect(answer.text == alone.text && answer.finishReason == alone.finishReason)
        #expect(answer.tokens.count == alone.answerTokens)
      }
    }
  }

  @Test func plausibleTokensOnlyAreDrawn() throws {
    let bundle = try storyteller()
    let engine = try Engine(pool: ThreadPool(threads: 1))
    let prompt = try PromptFormat(bundle).tokens(text: "Once upon a time")
    func unsupported(plausible: Float) throws -> Double {
      let sampler = try BatchSampler(
        bundle: bundle, count: 4, contextLength: 40, options: options(plausible: plausible), engine: engine)
      let measurement = try AnswerMeasurement(
        bundle: bundle, realignments: [Realignment(lambdas: [20, 0])], contextLength: 40, engine: engine,
        plausible: plausible)
      var sum = 0
      try sampler.run(
        (0..<4).map { .init(prompt: prompt, realignment: Realignment(lambdas: [20, 0]), seed: $0) }
      ) { _, drawn in
        let figures = try measurement.figures(prompt: prompt, answer: drawn.tokens, realignment: 0)
        sum += figures.unsupportedTokens
        #expect(figures.tokens == drawn.tokens.count && figures.divergence >= 0)
        #expect(figures.policyLogLikelihood.isFinite)
      }
      return Double(sum)
    }
    #expect(try unsupported(plausible: 0) > 0)
    #expect(try unsupported(plausible: 0.01) == 0)
  }

  @Test("answers of two prompts are those of one sequence alone, and their figures those of the blended logits")
  func twoPrompts() throws {
    let bundle = try storyteller()
    let engine = try Engine(pool: ThreadPool(threads: 1))
    let format = try PromptFormat(bundle)
    let (prompt, reference) = (
      try format.tokens(text: "Once upon a time there was a happy"), try format.tokens(text: "There was a")
    )
    let lambdas = [0, 0.5, 1, 2].map { Realignment(lambdas: [0.5, 0], prompt: $0) }
    let sampler = try BatchSampler(
      bundle: bundle, count: 3, contextLength: 40, hasReferencePrompt: true, options: options(plausible: 0),
      engine: engine)
    let measurement = try AnswerMeasurement(
      bundle: bundle, realignments: lambdas, contextLength: 40, hasReferencePrompt: true, engine: engine)
    let requests = lambdas.map {
      BatchSampler.Request(prompt: prompt, reference: reference, realignment: $0, seed: 3)
    }
    try sampler.run(requests) { request, drawn in
      let batch = try DecodingBatch(bundle: bundle, count: 2, contextLength: 40, engine: engine)
      let session = batch.sessions[0]
      session.reference = batch.sessions[1]
      var options = options(plausible: 0)
      options.sampling.seed = 3
      let alone = try session.generate(
        prompt: prompt, reference: reference, realignment: lambdas[request], options: options
      ) { _ in true }
      #expect(drawn.text == alone.text)

      var (policy, divergence) = (0.0, 0.0)
      session.truncate(to: 0)
      session.reference?.truncate(to: 0)
      try session.append(prompt)
      try session.reference?.append(reference)
      for token in drawn.tokens {
        let row = Array(try session.logits(lambdas[request]))
        let base = Array(try session.logits(Realignment(lambdas: [0, 0], prompt: 0)))
        row.withUnsafeBufferPointer { row in
          base.withUnsafeBufferPointer { base in
            let (own, _, distance) = LogitDistribution.compare(p: row, q: base)
            policy += Double(row[Int(token)]) - own.logSum
            divergence += distance
          }
        }
        try session.append([token])
        try session.reference?.append([token])
      }
      let figures = try measurement.figures(
        prompt: prompt, reference: reference, answer: drawn.tokens, realignment: request)
      #expect(abs(figures.policyLogLikelihood - policy) < 0.2, "\(figures.policyLogLikelihood), not \(policy)")
      #expect(abs(figures.divergence - divergence) < 0.2, "\(figures.divergence), not \(divergence)")
    }
    let answer: [Int32] = [5, 9, 200, 7]
    let reverse = try measurement.reverseDivergences(prompt: prompt, reference: reference, answer: answer)
    #expect(reverse[0] > 0 && reverse[3] > reverse[0], "λ of the aligned model is 0.5 throughout")
  }

  @Test func measuresOfTheReferenceAreZero() throws {
    let bundle = try storyteller()
    let engine = try Engine(pool: ThreadPool(threads: 1))
    let prompt = try PromptFormat(bundle).tokens(text: "Once upon a time")
    let measurement = try AnswerMeasurement(
      bundle: bundle, realignments: [[0, 0], [1, 0], [3, 0]].map { Realignment(lambdas: $0) }, contextLength: 16,
      engine: engine)
    let answer: [Int32] = [5, 9, 200, 7]
    let figures = try measurement.figures(prompt: prompt, answer: answer, realignment: 0)
    #expect(figures.divergence == 0 && figures.policyLogLikelihood == figures.logLikelihoods[0])
    let reverse = try measurement.reverseDivergences(prompt: prompt, answer: answer)
    #expect(reverse[0] == 0 && reverse[1] > 0 && reverse[2] > reverse[1])
    #expect(throws: EvaluationError.emptyPart) {
      try measurement.figures(prompt: prompt, answer: [], realignment: 0)
    }
    #expect(throws: SessionError.self) {
      try measurement.figures(prompt: prompt, answer: [5, .max], realignment: 0)
    }
  }

  @Test func whatCannotBeDrawnIsRefused() throws {
    let sampler = try BatchSampler(
      bundle: try storyteller(), count: 2, contextLength: 4, options: options(plausible: 0),
      engine: Engine(pool: ThreadPool(threads: 1)))
    let lambda = Realignment(lambdas: [1, 0])
    #expect(throws: GenerationError.emptyPrompt) {
      try sampler.run([.init(prompt: [], realignment: lambda, seed: 1)]) { _, _ in }
    }
    #expect(throws: GenerationError.promptTooLong(tokens: 5, contextLength: 4)) {
      try sampler.run([.init(prompt: [1, 2, 3, 4, 5], realignment: lambda, seed: 1)]) { _, _ in }
    }
    let stop = { false }
    #expect(throws: SessionError.cancelled) {
      try sampler.run([.init(prompt: [1], realignment: lambda, seed: 1)], shouldContinue: stop) { _, _ in }
    }
    #expect(throws: GenerationError.maskedWeights) {
      try BatchSampler(
        bundle: try storyteller(), count: 2, contextLength: 4, options: options(plausible: 0.1),
        engine: Engine(pool: ThreadPool(threads: 1)), blend: .weights)
    }
    // What failed leaves nothing behind.
    var count = 0
    try sampler.run([.init(prompt: [1], realignment: lambda, seed: 1)]) { _, drawn in
      count += 1
      #expect(drawn.tokens.count == 4 && drawn.finishReason == .context || drawn.finishReason == .stop)
    }
    #expect(count == 1)
  }
}
