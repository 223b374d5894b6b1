import DeRa
import DeRaEvaluation
import DeRaKernels
import DeRaTestSupport
import RealModule
import Testing

@Suite struct TeacherForcingTests {
  private let lambdas: [Float] = [-1, 0, 0.5, 1, 2]

  /// `[realignments][positions][vocabulary]` from `first` on.
  private func forced(_ session: DecodingSession, _ tokens: [Int32], _ list: [Realignment], from first: Int) throws
    -> [[[Float]]]
  {
    let forcing = try TeacherForcing(session: session, realignments: list)
    var result = [[[Float]]](repeating: [], count: list.count)
    try forcing.start(tokens, from: first)
    var scratch = [Float](repeating: 0, count: forcing.vocabularySize)
    while case let positions = forcing.next(), !positions.isEmpty {
      for position in positions {
        for index in list.indices {
          result[index].append(
            scratch.withUnsafeMutableBufferPointer { Array(forcing.logits(index, at: position, scratch: $0)) })
        }
      }
    }
    return result
  }

  @Test("logits are those of blended decoding", arguments: Golden.pairs, [ConversionBits.sixteen, .eight])
  func equalsBlends(name: String, bits: ConversionBits) async throws {
    let tokens = try Golden(name).tokens
    let bundle = try await Golden.bundle(name, aligned: [name + "-aligned"], bits: bits)
    let engine = try Engine(InstructionSet.best)
    let list = lambdas.map { Realignment(lambdas: [$0]) }
    let expected = try bundle.logits(tokens, list, engine: engine)
    let session = try DecodingSession(bundle: bundle, contextLength: tokens.count, engine: engine, maxOutputs: 5)
    for first in [0, 7] {
      let actual = try forced(session, tokens, list, from: first)
      for (index, lambda) in lambdas.enumerated() {
        // Where a λ leaves one model nothing is rounded anew.
        let tolerance = lambda == 0 || lambda == 1 ? 0 : bits == .sixteen ? 1e-9 : 5e-4
        #expect(meanKL(Array(expected[index][first...]), actual[index]) <= tolerance, "λ = \(lambda)")
      }
    }
  }

  @Test("figures do not depend on blocks, threads or the other λ", arguments: Golden.pairs)
  func isReproducible(name: String) async throws {
    let tokens = try Golden(name).tokens
    let bundle = try await Golden.bundle(name, aligned: [name + "-aligned"], bits: .eight)
    let list = lambdas.map { Realignment(lambdas: [$0]) }
    var results: [[[[Float]]]] = []
    for (outputs, threads) in [(1, 1), (3, 2), (16, 3)] {
      let session = try DecodingSession(
        bundle: bundle, contextLength: tokens.count, engine: Engine(InstructionSet.best, threads: threads),
        maxOutputs: outputs)
      results.append(try forced(session, tokens, list, from: 2))
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }
}

@Suite struct PerplexityTests {
  private func measurement(
    _ name: String, against bits: ConversionBits?, threads: Int = 1
  ) async throws -> PerplexityMeasurement {
    let golden = try Golden(name)
    let bundle = try await Golden.bundle(name, aligned: [name + "-aligned"], bits: .sixteen)
    var base: ModelBundle?
    if let bits { base = try await Golden.bundle(name, aligned: [name + "-aligned"], bits: bits) }
    let measurement = try PerplexityMeasurement(
      bundle: bundle, against: base, realignments: [0, 1, 2].map { Realignment(lambdas: [$0]) },
      context: golden.tokens.count, engine: Engine(InstructionSet.best, threads: threads))
    for first in [0, 3] { try measurement.add(golden.tokens, from: first) }
    return measurement
  }

  @Test("losses are transformers'", arguments: Golden.pairs)
  func lossesAreTransformers(name: String) async throws {
    let golden = try Golden(name)
    let losses = golden.tokens.indices.dropLast().map { -logSoftmax(golden.logits[$0])[Int(golden.tokens[$0 + 1])] }
    let expected = losses + losses[3...]
    let actual = try await measurement(name, against: nil).scores[0]
    #expect(actual.losses.count == expected.count)
    for (left, right) in zip(actual.losses, expected) { #expect(abs(Double(left) - right) < 5e-3) }
    let mean = expected.reduce(0, +) / Double(expected.count)
    #expect(abs(actual.perplexity.value - .exp(mean)) < 2e-3 * .exp(mean))
  }

  @Test("a bundle does not diverge from itself", arguments: Golden.pairs)
  func sameBundle(name: String) async throws {
    let measurement = try await measurement(name, against: .sixteen)
    for scores in measurement.scores {
      #expect(scores.divergences.allSatisfy { $0 == 0 } && scores.sameTopCount == scores.losses.count)
      #expect(scores.losses == scores.baseLosses)
    }
    let direction = try #require(measurement.directionReports[0])
    #expect(direction.relativeError < 1e-6 && abs(direction.gain - 1) < 1e-12)
  }

  @Test("threads change no figure", arguments: Golden.pairs)
  func isReproducible(name: String) async throws {
    let one = try await measurement(name, against: .four)
    let three = try await measurement(name, against: .four, threads: 3)
    #expect(one.scores.map { DivergenceReport($0) } == three.scores.map { DivergenceReport($0) })
    #expect(one.directionReports == three.directionReports)
    #expect(try #require(one.directionReports[0]).relativeError > 0.01)
  }

  @Test func differentPairsAreRefused() async throws {
    let pair = try await Golden.bundle("llama3", aligned: ["llama3-aligned"], bits: .eight)
    let single = try await Golden.bundle("llama3", bits: .eight)
    #expect(throws: EvaluationError.self) {
      try PerplexityMeasurement(
        bundle: pair, against: single, realignments: [Realignment(lambdas: [1])], context: 16,
        engine: Engine(InstructionSet.best))
    }
  }
}

@Suite struct ContinuationTests {
  @Test("log-likelihoods and greediness are transformers'", arguments: Golden.pairs)
  func matchesTransformers(name: String) async throws {
    let golden = try Golden(name)
    let aligned = try Golden(name + "-aligned")
    let bundle = try await Golden.bundle(name, aligned: [name + "-aligned"], bits: .sixteen)
    let scorer = try ContinuationScorer(
      bundle: bundle, realignments: [0, 1].map { Realignment(lambdas: [$0]) }, contextLength: golden.tokens.count,
      engine: Engine(InstructionSet.best))
    // The goldens end with a greedy continuation of the reference.
    for (start, end) in [(1, golden.tokens.count), (golden.tokens.count - 3, golden.tokens.count), (2, 3)] {
      let (context, continuation) = (Array(golden.tokens[..<start]), Array(golden.tokens[start..<end]))
      let scores = try scorer.score(context: context, continuation: continuation)
      for (score, logits) in zip(scores, [golden.logits, aligned.logits]) {
        let positions = start - 1..<end - 1
        let expected = positions.reduce(0.0) { $0 + logSoftmax(logits[$1])[Int(golden.tokens[$1 + 1])] }
        #expect(abs(score.logLikelihood - expected) < 2e-3 * Double(continuation.count))
        #expect(score.isGreedy == positions.allSatisfy { argmax(logits[$0]) == Int(golden.tokens[$0 + 1]) })
      }
    }
  }

  @Test func whatCannotBeScoredIsRefused() async throws {
    let bundle = try await Golden.bundle("llama3", bits: .eight)
    let scorer = try ContinuationScorer(
      bundle: bundle, realignments: [Realignment(lambdas: [])], contextLength: 4, engine: Engine(InstructionSet.best))
    #expect(throws: EvaluationError.emptyPart) { try scorer.score(context: [], continuation: [1]) }
    #expect(throws: EvaluationError.emptyPart) { try scorer.score(context: [1], continuation: []) }
    #expect(throws: SessionError.contextFull(tokens: 5, limit: 4)) {
      try scorer.score(context: [1, 2, 3], continuation: [1, 2])
    }
    for token in [Int32(-1), .max] {
      #expect(throws: SessionError.self) { try scorer.score(context: [1], continuation: [token]) }
      #expect(throws: SessionError.self) { try scorer.score(context: [token], continuation: [1]) }
    }
    #expect(try scorer.score(context: [1, 2, 3], continuation: [1]).count == 1)
  }

  @Test("texts are cut where lm-eval cuts them") func blanksBelongToTheContinuation() throws {
    let bundle = try ModelBundle(path: Fixtures.storyteller)
    let tokenizer = try #require(bundle.tokenizer)
    let cut = try tokenizer.split(context: "Once upon a time ", continuation: "there was")
    #expect(cut == (try tokenizer.split(context: "Once upon a time", continuation: " there was")))
    #expect(cut.context + cut.continuation == (try tokenizer.encode("Once upon a time there was", addSpecial: true)))
    let alone = try tokenizer.split(context: "", continuation: "Once")
    #expect(alone.context == [try #require(tokenizer.bosID ?? tokenizer.eosID)])
    #expect(alone.continuation == (try tokenizer.encode("Once", addSpecial: false)))
  }
}
