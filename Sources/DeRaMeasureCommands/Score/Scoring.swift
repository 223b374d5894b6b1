import DeRa
import DeRaCommands
import DeRaConsole
import DeRaEvaluation
import DeRaKernels

/// Answers requests with a bundle under some λ.
final class Scoring {
  private let bundle: ModelBundle
  private let realignments: [Realignment]
  private let runtime: RuntimeArguments
  private let engine: Engine
  private let lambdas: [String]
  private let scorer: ContinuationScorer
  /// Made for the first answer.
  private var writer: DecodingSession?

  init(_ bundle: ModelBundle, _ realignments: [Realignment], _ runtime: RuntimeArguments) throws {
    self.bundle = bundle
    self.realignments = realignments
    self.runtime = runtime
    engine = try runtime.engine()
    lambdas = realignments.map { $0.description(models: bundle.alignedModels) }
    scorer = try ContinuationScorer(
      bundle: bundle, realignments: realignments, contextLength: runtime.contextLength(for: bundle), engine: engine,
      cacheCodec: runtime.precision.kv, blend: runtime.blending.blend)
  }

  /// - Throws: `StreamError` for a request that makes no sense, and what computing throws.
  func reply(to request: ScoreRequest) throws -> ScoreReply {
    switch try request.task(bundle.tokenizer) {
    case .continuation(let context, let continuation):
      return reply(request, try scorer.score(context: context, continuation: continuation), continuation.count)
    case .rolling(let tokens):
      guard let start = bundle.tokenizer.flatMap({ $0.bosID ?? $0.eosID }) else { throw EvaluationError.noStartToken }
      return reply(request, try scorer.rolling(tokens, start: start), tokens.count)
    case .answer(let prompt, let options):
      var count = 0
      let results = try zip(lambdas, realignments).map { lambda, realignment in
        let answer = try session().generate(prompt: prompt, realignment: realignment, options: options) { _ in
          !Interrupt.isRequested
        }
        try Interrupt.check()
        count = max(count, answer.answerTokens)
        return ScoreReply.Result(
          lambda: lambda, text: answer.text, finishReason: answer.finishReason,
          seed: options.sampling.temperature > 0 ? answer.seed : nil)
      }
      return ScoreReply(id: request.id, results: results, tokens: count)
    }
  }

  private func reply(_ request: ScoreRequest, _ scores: [ContinuationScorer.Score], _ tokens: Int) -> ScoreReply {
    ScoreReply(
      id: request.id,
      results: zip(lambdas, scores).map {
        ScoreReply.Result(lambda: $0, logLikelihood: $1.logLikelihood, isGreedy: $1.isGreedy)
      }, tokens: tokens)
  }

  private func session() throws -> DecodingSession {
    if let writer { return writer }
    let session = try DecodingSession(
      bundle: bundle, contextLength: runtime.contextLength(for: bundle), engine: engine,
      cacheCodec: runtime.precision.kv, blend: runtime.blending.blend)
    writer = session
    return session
  }
}

/// One line of output.
struct ScoreReply: Encodable {
  /// The answer under one λ: a likelihood or a text.
  struct Result: Encodable {
    var lambda: String
    var logLikelihood: Double?
    var isGreedy: Bool?
    var text: String?
    var finishReason: FinishReason?
    /// The seed of an answer that was drawn; nil where the likeliest tokens were taken.
    var seed: UInt64?
  }

  var id: ScoreID?
  var results: [Result]
  /// Tokens scored, or of the longest answer.
  var tokens: Int
}
