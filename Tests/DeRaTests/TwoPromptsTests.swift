import DeRa
import DeRaKernels
import DeRaTestSupport
import Testing

/// The same models after two prompts, blended by the prompt's λ.
@Suite struct TwoPromptsTests {
  private let bundle: ModelBundle
  private let prompt: [Int32]
  private let reference: [Int32]

  init() throws {
    bundle = try ModelBundle(path: Fixtures.storyteller)
    prompt = try bundle.tokens(of: "Once upon a time there was a happy dog. It")
    reference = try bundle.tokens(of: "There was a dog. It")
  }

  private func session(_ other: Bool = true) throws -> DecodingSession {
    let batch = try DecodingBatch(
      bundle: bundle, count: 2, contextLength: 64, engine: Engine(pool: ThreadPool(threads: 1)))
    if other { batch.sessions[0].reference = batch.sessions[1] }
    return batch.sessions[0]
  }

  private func logits(_ tokens: [Int32], _ lambdas: [Float]) throws -> [Float] {
    let session = try session(false)
    try session.append(tokens)
    return Array(try session.logits(Realignment(lambdas: lambdas)))
  }

  @Test(
    "logits are the blend of what follows each, 0 and 1 to the bit",
    arguments: [[0, 0], [0.5, 0], [1, 0]] as [[Float]])
  func blends(lambdas: [Float]) throws {
    let session = try session()
    try session.append(prompt)
    try session.reference?.append(reference)
    let (own, other) = (try logits(prompt, lambdas), try logits(reference, lambdas))
    for lambda in [2, 1, 0, -0.5, 1, 1.5] as [Float] {
      let found = Array(try session.logits(Realignment(lambdas: lambdas, prompt: lambda)))
      if lambda == 1 { #expect(found == own) }
      if lambda == 0 { #expect(found == other) }
      for id in found.indices {
        let expected = (1 - lambda) * other[id] + lambda * own[id]
        #expect(abs(found[id] - expected) < 0.02, "λ = \(lambda), token \(id)")
      }
    }
  }

  @Test("an answer goes on in both texts, and the engine gives the same one")
  func answers() async throws {
    var options = GenerationOptions(temperature: 2, plausible: 0.01, seed: 5, maxTokens: 12)
    options.ignoresEndOfText = true
    let lambda = Realignment(lambdas: [0.5, 0], prompt: 2)
    let session = try session()
    let told = try session.generate(prompt: prompt, reference: reference, realignment: lambda, options: options) { _ in
      true
    }
    #expect(session.tokens.count == prompt.count + 12 && session.reference?.tokens.count == reference.count + 12)
    let plain = try session.generate(
      prompt: prompt, reference: reference, realignment: Realignment(lambdas: [0.5, 0]), options: options
    ) { _ in true }
    #expect(plain.text != told.text)

    let batch = try DecodingBatch(
      bundle: bundle, count: 3, contextLength: 64, engine: Engine(pool: ThreadPool(threads: 1)))
    let engine = try AnswerEngine(batch, queueLength: 9)
    var request = AnswerRequest(prompt: prompt, realignment: lambda, options: options)
    request.referencePrompt = reference
    request.options.logprobs = 1
    request.options.explains = true
    for _ in 0..<3 {
      var (text, voices) = ("", 0)
      for await event in try engine.submit(request).events {
        switch event {
        case .token(_, let more, let logprobs):
          text += more
          voices = logprobs?.token.models.count ?? 0
        case .finished(_, let rest): text += rest
        default: break
        }
      }
      #expect(text == told.text && voices == 2)
    }
    let one = try AnswerEngine(
      try DecodingBatch(bundle: bundle, count: 1, contextLength: 64, engine: Engine(pool: ThreadPool(threads: 1))),
      queueLength: 9)
    #expect(throws: EngineError.oneSequence) { try one.submit(request) }
  }

  @Test("the prompt's λ is read by its name, or as the last number")
  func texts() throws {
    func read(_ text: String, _ models: [String]) throws -> Realignment {
      try Realignment.parse(text, models: models, hasReferencePrompt: true)
    }
    #expect(try read("1.5", []) == Realignment(lambdas: [], prompt: 1.5))
    #expect(try read("0.7", ["dpo"]) == Realignment(lambdas: [0.7]))
    #expect(try read("0.7,1.5", ["dpo"]) == Realignment(lambdas: [0.7], prompt: 1.5))
    #expect(try read("prompt=2,dpo=1", ["dpo"]) == Realignment(lambdas: [1], prompt: 2))
    #expect(Realignment(lambdas: [0.5], prompt: 2).description(models: ["dpo"]) == "dpo=0.5,prompt=2")
    #expect(throws: RealignmentError.self) { try Realignment.parse("prompt=2", models: ["dpo"]) }
  }
}
