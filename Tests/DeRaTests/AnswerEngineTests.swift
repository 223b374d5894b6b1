import DeRa
import DeRaKernels
import DeRaTestSupport
import Testing

/// Answers of the engine on the embedded pair: the bits of a fresh session, whatever else is computed.
@Suite struct AnswerEngineTests {
  private let bundle: ModelBundle
  private let story: [Int32]

  init() throws {
    bundle = try ModelBundle(path: Fixtures.storyteller)
    story = try bundle.tokens(
      of: "Once upon a time there was a little cat who lived in a big house with a girl named Lily. One day the cat")
  }

  private func engine(_ sequences: Int, context: Int = 96, queue: Int = 64) throws -> AnswerEngine {
    let pool = ThreadPool(threads: 1)
    let batch = try DecodingBatch(
      bundle: bundle, count: sequences, contextLength: context, engine: Engine(pool: pool))
    return try AnswerEngine(batch, queueLength: queue)
  }

  private func request(
    _ lambda: Float, seed: UInt64 = 7, tokens: Int = 16, prompt: [Int32]? = nil,
    _ change: (inout AnswerRequest) -> Void = { _ in }
  ) -> AnswerRequest {
    var request = AnswerRequest(
      prompt: prompt ?? story, realignment: Realignment(lambda, models: 2),
      options: GenerationOptions(seed: seed, maxTokens: tokens))
    change(&request)
    return request
  }

  private struct Told: Equatable {
    var tokens: [Int32] = []
    var text = ""
    var cached = 0
    var realigned: [Int] = []
    var generation: Generation?
  }

  private func read(_ answer: Answer, _ onToken: (Int) -> Void = { _ in }) async throws -> Told {
    var told = Told()
    for await event in answer.events {
      switch event {
      case .admitted(let cached, _): told.cached = cached
      case .token(let id, let text, _):
        told.tokens.append(id)
        told.text += text
        onToken(told.tokens.count)
      case .realigned(let token, _): told.realigned.append(token)
      case .finished(let generation, let text):
        told.text += text
        told.generation = generation
      case .failed(let error): throw error
      case .prompt, .promptLogprobs: break
      }
    }
    return told
  }

  /// The text of a session that does nothing else.
  private func alone(_ request: AnswerRequest) throws -> String {
    let session = try DecodingSession(
      bundle: bundle, contextLength: 96, engine: Engine(pool: ThreadPool(threads: 1)))
    return try session.generate(
      prompt: request.prompt, realignment: request.realignment, options: request.options
    ) { _ in true }.text
  }

  @Test("many requests at once get what each gets alone", arguments: [1, 3])
  func company(sequences: Int) async throws {
    let engine = try engine(sequences)
    let requests = [0, 0.5, 1, 2, -0.5, 0.5, 1].enumerated().map { index, lambda in
      request(Float(lambda), seed: UInt64(index), tokens: 8 + index, prompt: Array(story.dropLast(index % 3)))
    }
    let answers = try requests.map { try engine.submit($0) }
    for (request, answer) in zip(requests, answers) {
      let told = try await read(answer)
      let expected = try alone(request)
      #expect(told.text == expected && told.text == told.generation?.text)
      #expect(told.generation?.promptTokens == request.prompt.count)
    }
    let snapshot = engine.snapshot
    #expect(snapshot.answers == 7 && snapshot.waiting == 0 && snapshot.slots.count == sequences)
  }

  @Test("what prompts have in common is computed once")
  func prefixes() async throws {
    let engine = try engine(3)
    let answers = try [0.5, 2, 1, 0].map { try engine.submit(request($0)) }
    var cached: [Int] = []
    for answer in answers { cached.append(try await read(answer).cached) }
    // λ = 1 alone computes other bits than λ = 1 beside the reference; λ = 0 has the reference's.
    #expect(cached[0] == 0 && cached[1] >= story.count - 1 && cached[2] == 0 && cached[3] >= story.count - 1)
    let longer = try await read(try engine.submit(request(0.5, prompt: story + [300, 301])))
    #expect(longer.cached == story.count)
    let expected = try alone(request(0.5, prompt: story + [300, 301]))
    #expect(longer.text == expected)
  }

  @Test("a λ moved in the middle is repeated by its schedule, and others keep theirs")
  func schedules() async throws {
    let engine = try engine(2)
    let other = try engine.submit(request(1, seed: 3, tokens: 40))
    /// An answer whose λ is moved once its sixth token is read.
    func moved() async throws -> Told {
      let answer = try engine.submit(request(0, tokens: 24))
      return try await read(answer) { if $0 == 5 { answer.setRealignment(Realignment(4, models: 2)) } }
    }
    // The engine does not wait for its reader: the answer may be over, or nearly, before λ moves.
    let plain = try alone(request(0, tokens: 24))
    var told = try await moved()
    for _ in 0..<1000 where told.realigned.isEmpty || told.text == plain { told = try await moved() }
    let at = try #require(told.realigned.first)
    #expect(at >= 5 && told.realigned.count == 1)
    let again = try await read(
      try engine.submit(request(0, tokens: 24) { $0.schedule = [(at, Realignment(4, models: 2))] }))
    #expect(again.tokens == told.tokens && again.realigned == [at])
    #expect(told.text != plain && told.text.utf8.prefix(10).elementsEqual(plain.utf8.prefix(10)))
    let (text, expected) = (try await read(other).text, try alone(request(1, seed: 3, tokens: 40)))
    #expect(text == expected)
  }

  @Test("cancelled answers make room, too many are refused, and a stopped engine ends all")
  func ends() async throws {
    let engine = try engine(1, queue: 1)
    let first = try engine.submit(request(0.5, tokens: 60))
    for await event in first.events { if case .token = event { break } }
    first.cancel()
    let second = try engine.submit(request(0.5))
    let told = try await read(second)
    let expected = try alone(request(0.5))
    #expect(told.text == expected)
    let many = try (0..<2).map { _ in try engine.submit(request(2, tokens: 60)) }
    #expect(throws: EngineError.self) { for _ in 0..<60 { _ = try engine.submit(request(2, tokens: 60)) } }
    await engine.stop()
    // The first of them may be complete.
    for answer in many {
      do { _ = try await read(answer) } catch { #expect(error as? EngineError == .stopped) }
    }
    #expect(throws: EngineError.stopped) { try engine.submit(request(0)) }
  }

  @Test("requests that belong together are taken together, however long the queue")
  func groups() async throws {
    let engine = try engine(1, queue: 1)
    let answers = try engine.submit((0..<5).map { _ in request(0.5) })
    #expect(throws: EngineError.self) { try engine.submit(request(0)) }
    let expected = try alone(request(0.5))
    for answer in answers {
      let told = try await read(answer)
      #expect(told.text == expected)
    }
    #expect(throws: GenerationError.emptyPrompt) { try engine.submit([request(0), request(0, prompt: [])]) }
    #expect(engine.snapshot.waiting == 0)
  }

  @Test("what no engine can answer is refused at once")
  func refusals() throws {
    let engine = try engine(1, context: 20)
    #expect(throws: GenerationError.promptTooLong(tokens: story.count, contextLength: 20)) {
      try engine.submit(request(0))
    }
    #expect(throws: GenerationError.emptyPrompt) { try engine.submit(request(0, prompt: [])) }
    #expect(throws: SessionError.self) { try engine.submit(request(0, prompt: [-1])) }
    #expect(throws: SamplingError.self) { try engine.submit(request(0, prompt: [1]) { $0.options.sampling.topP = 2 }) }
  }
}
