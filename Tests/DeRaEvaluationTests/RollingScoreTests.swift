import DeRa
import DeRaEvaluation
import DeRaKernels
import DeRaTestSupport
import FoundationEssentials
import Testing

@Suite struct RollingScoreTests {
  private func scorer(_ context: Int) throws -> ContinuationScorer {
    try ContinuationScorer(
      bundle: try ModelBundle(path: Fixtures.storyteller), realignments: [Realignment(lambdas: [0.5, 0])],
      contextLength: context, engine: Engine(pool: ThreadPool(threads: 1)))
  }

  @Test func aShortTextIsOneContinuation() throws {
    let scorer = try scorer(12)
    let text: [Int32] = [384, 381, 258, 363, 20, 31, 7, 300, 301, 9, 2]
    #expect(try scorer.rolling(text, start: 1) == scorer.score(context: [1], continuation: text))
  }

  /// A server answers lm-evaluation-harness with what decoding gives, and `dera score` must print the same.
  @Test func aScoreIsDecodingsToTheBit() throws {
    let bundle = try ModelBundle(path: Fixtures.storyteller)
    let engine = try Engine(pool: ThreadPool(threads: 1))
    let realignments = [[0, 0], [1, 0], [0.5, 0], [2, -0.5], [0.5, 0.5]].map { Realignment(lambdas: $0) }
    let text: [Int32] = [1, 384, 381, 258, 363, 20, 31, 7, 300, 301, 9, 2]
    let scorer = try ContinuationScorer(
      bundle: bundle, realignments: realignments, contextLength: 16, engine: engine)
    let scores = try scorer.score(context: Array(text[..<3]), continuation: Array(text[3...]))
    var sums = realignments.map { _ in 0.0 }
    try DecodingSession(bundle: bundle, contextLength: 16, engine: engine, maxOutputs: 3).forEachLogits(
      of: text, realignments
    ) { index, position, logits in
      guard (2..<text.count - 1).contains(position) else { return }
      sums[index] -= LogitDistribution(logits).logSum - Double(logits[Int(text[position + 1])])
    }
    #expect(scores.map(\.logLikelihood) == sums)
    #expect(Set(sums).count == sums.count)
  }

  /// The windows of lm-evaluation-harness's `get_rolling_token_windows(tokens, start, max_seq_len=5, context_len=1)` made
  /// disjoint: [s | 0 … 4], [4 | 5 … 9], [7 8 9 | 10 11 12] for thirteen tokens.
  @Test func aLongTextIsCutIntoWindows() throws {
    let scorer = try scorer(6)
    let text = (0..<13).map { Int32(3 + 37 * $0 % 300) }
    let parts = try [
      scorer.score(context: [1], continuation: Array(text[0..<5])),
      scorer.score(context: [text[4]], continuation: Array(text[5..<10])),
      scorer.score(context: Array(text[7..<10]), continuation: Array(text[10..<13])),
    ]
    #expect(try scorer.rolling(text, start: 1)[0].logLikelihood == parts.reduce(0) { $0 + $1[0].logLikelihood })
    #expect(throws: EvaluationError.emptyPart) { try scorer.rolling([], start: 1) }
  }
}
