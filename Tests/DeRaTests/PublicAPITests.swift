import DeRa
import DeRaTestSupport
import Testing

/// The public library on the embedded pair, as a program that imports nothing else sees it.
@Suite struct PublicAPITests {
  private static let start: Prompt = "Once upon a time"

  private func bundle() throws -> ModelBundle { try ModelBundle(path: Fixtures.storyteller) }

  private func options(_ tokens: Int = 24) -> GenerationOptions { GenerationOptions(seed: 7, maxTokens: tokens) }

  @Test("pieces of a stream are the answer")
  func stream() async throws {
    let session = try bundle().session(context: 64, threads: 1)
    let stream = session.stream(Self.start, lambda: 0.5, options: options())
    var text = ""
    for try await piece in stream {
      #expect(!piece.isEmpty && stream.generation?.text == nil || stream.generation != nil)
      text += piece
    }
    let generation = try #require(stream.generation)
    #expect(generation.text == text && generation.answerTokens == 24 && generation.finishReason == .length)
    let again = try await session.answer(Self.start, lambda: 0.5, options: options())
    #expect(again.text == text && again.reusedTokens > 0)
  }

  @Test("λ as a number, in order and by name mean the same")
  func forms() async throws {
    let session = try bundle().session(context: 64, threads: 1)
    let texts = try await [Lambda(0.5), [0.5], [0.5, 0], ["brief": 0.5], ["happy": 0, "brief": 0.5]].asyncMap {
      try await session.answer(Self.start, lambda: $0, options: options()).text
    }
    #expect(Set(texts).count == 1)
    await #expect(throws: DeRaError.unknownModel("kind", known: ["brief", "happy"])) {
      try await session.answer(Self.start, lambda: ["kind": 1])
    }
    await #expect(throws: DeRaError.tooManyLambdas(3, models: ["brief", "happy"])) {
      try await session.answer(Self.start, lambda: [1, 0, 0])
    }
    await #expect(throws: DeRaError.invalidLambda(.infinity)) {
      try await session.answer(Self.start, lambda: Lambda(.infinity))
    }
  }

  @Test("λ is printed as it is written")
  func lambdaText() {
    let texts = [Lambda(0.5), 2, [0.5, 0.25], ["happy": 0.3, "brief": 0.5]].map { "\($0)" }
    #expect(texts == ["0.5", "2.0", "0.5, 0.25", "brief=0.5, happy=0.3"])
    #expect("\(DeRaError.tooManyLambdas(1, models: []))".contains("takes no λ"))
  }

  @Test("exactness and streaming are options of a session")
  func sessionOptions() async throws {
    let bundle = try bundle()
    let plain = try bundle.session(context: 64, threads: 1)
    let exact = try bundle.session(context: 64, threads: 1, options: .init(activations: .int16))
    let tokens = try bundle.tokens(of: Self.start)
    let (rough, fine) = (
      try await plain.logits(of: tokens, lambdas: [0.5]), try await exact.logits(of: tokens, lambdas: [0.5])
    )
    #expect(rough != fine)
    let limit = bundle.mappedBytes - 100_000
    let streamed = try bundle.session(context: 64, threads: 1, options: .init(residentLimit: limit))
    #expect(streamed.memory.residentBytes == limit)
    #expect(try await streamed.logits(of: tokens, lambdas: [0.5]) == rough)
    #expect(throws: DeRaError.self) {
      try bundle.session(context: 64, threads: 1, options: .init(residentLimit: 1000))
    }
  }

  @Test("a λ set in the loop counts from the next token")
  func movedLambda() async throws {
    let session = try bundle().session(context: 64, threads: 1)
    func told(_ later: Lambda) async throws -> String {
      let stream = session.stream(Self.start, lambda: 0, options: options())
      for try await _ in stream { stream.lambda = later }
      return try #require(stream.generation).text
    }
    let plain = try await session.answer(Self.start, lambda: 0, options: options()).text
    #expect(try await told(0) == plain)
    #expect(try await told(8) != plain)
    #expect(try await told(8) == told(8))
    await #expect(throws: DeRaError.unknownModel("kind", known: ["brief", "happy"])) { try await told(["kind": 1]) }
  }

  @Test("a batch writes what a session writes, more answers than places too")
  func batch() async throws {
    let bundle = try bundle()
    let session = try bundle.session(context: 64, threads: 1)
    let batch = try bundle.batch(sequences: 2, context: 64, threads: 2)
    let lambdas: [Lambda] = [0, 0.5, 1, [0.5, 0.5], 2]
    let together = try await withThrowingTaskGroup { group in
      for (index, lambda) in lambdas.enumerated() {
        group.addTask { (index, try await batch.answer(Self.start, lambda: lambda, options: options()).text) }
      }
      return try await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
    }
    for (index, lambda) in lambdas.enumerated() {
      #expect(together[index] == (try await session.answer(Self.start, lambda: lambda, options: options()).text))
    }
    await #expect(throws: DeRaError.emptyPrompt) { try await batch.answer(.tokens([])) }
    await #expect(throws: DeRaError.promptTooLong(tokens: 65, contextLength: 64)) {
      try await batch.answer(.tokens([Int32](repeating: 5, count: 65)))
    }
    #expect(try await batch.answer(Self.start, lambda: 0.5, options: options()).text == together[1])
  }

  @Test("an answer that is begun ends the one before it")
  func superseded() async throws {
    let session = try bundle().session(context: 64, threads: 1)
    var first = session.stream(Self.start, options: options()).makeAsyncIterator()
    #expect(try await first.next() != nil)
    let second = try await session.answer(Self.start, lambda: 0, options: options())
    #expect(second.answerTokens == 24)
    do {
      while try await first.next() != nil {}
      Issue.record("the first answer went on")
    } catch {
      #expect(error as? DeRaError == .superseded)
    }
  }

  @Test("a cancelled task gets its error, and the session and the batch go on")
  func cancellation() async throws {
    let bundle = try bundle()
    let session = try bundle.session(context: 4096, threads: 1)
    let batch = try bundle.batch(sequences: 1, context: 4096, threads: 1)
    let endless = GenerationOptions(logitBias: [:], seed: 1, maxTokens: 4000)
    for answer in [
      { try await session.answer(Self.start, options: endless) },
      { try await batch.answer(Self.start, options: endless) },
    ] as [@Sendable () async throws -> Generation] {
      let task = Task { try await answer() }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
    }
    for try await _ in batch.stream(Self.start, options: endless) { break }
    #expect(try await session.answer(Self.start, options: options(3)).answerTokens == 3)
    #expect(try await batch.answer(Self.start, options: options(3)).answerTokens == 3)
  }

  @Test("logits under several λ are linear in λ")
  func logits() async throws {
    let bundle = try bundle()
    let session = try bundle.session(context: 16, threads: 1)
    let tokens = try bundle.tokens(of: Self.start)
    let rows = try await session.logits(of: tokens, lambdas: [0, 0.5, 1])
    #expect(rows.count == 3 && rows.allSatisfy { $0.count == bundle.vocabularySize })
    for id in rows[0].indices { #expect(abs(rows[1][id] - (rows[0][id] + rows[2][id]) / 2) < 0.2) }
    #expect(try await session.logits(of: tokens, lambdas: [1])[0] == rows[2])
    await #expect(throws: DeRaError.invalidToken(-1, vocabularySize: bundle.vocabularySize)) {
      try await session.logits(of: [-1], lambdas: [0])
    }
    await #expect(throws: DeRaError.contextFull(tokens: 17, contextLength: 16)) {
      try await session.logits(of: [Int32](repeating: 1, count: 17), lambdas: [0])
    }
  }

  @Test("what cannot be is refused with its figures")
  func refusals() throws {
    let bundle = try bundle()
    #expect(throws: DeRaError.self) { try ModelBundle(path: "/nowhere/none.dera") }
    #expect(throws: DeRaError.self) { try ModelBundle(path: #filePath) }
    #expect(throws: DeRaError.self) { try bundle.session(context: 0) }
    #expect(throws: DeRaError.self) { try bundle.session(threads: 0) }
    #expect(throws: DeRaError.self) { try bundle.batch(sequences: 0) }
    let needed = try bundle.session(context: 512).memory.total
    #expect(throws: DeRaError.memoryLimit(needed: needed, limit: needed - 1)) {
      try bundle.session(context: 512, options: SessionOptions(memoryLimit: needed - 1))
    }
    _ = try bundle.session(
      context: 512, options: SessionOptions(keyValues: .int8, blend: .weights, memoryLimit: needed))
    #expect(try bundle.text(of: bundle.tokens(of: Self.start)).contains("Once upon a time"))
    try bundle.verifyChecksums()
  }
}

extension Array {
  fileprivate func asyncMap<Result>(_ body: (Element) async throws -> Result) async rethrows -> [Result] {
    var list: [Result] = []
    for element in self { list.append(try await body(element)) }
    return list
  }
}
