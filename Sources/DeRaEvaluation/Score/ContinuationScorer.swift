import DeRa
import DeRaKernels
import DeRaTokenization

/// Log-likelihoods of continuations under several λ: what "loglikelihood" tasks of evaluation harnesses ask for. They have
/// the bits that a server gives for the same text.
package final class ContinuationScorer {
  private let forcing: TeacherForcing
  private let contextLength: Int
  private var scratch: [Float]

  /// The score of a continuation under one λ.
  package struct Score: Sendable, Equatable, Encodable {
    /// Σ ln p(token | everything before), nats.
    package var logLikelihood: Double
    /// Whether every token of it is the likeliest one.
    package var isGreedy: Bool

  }

  /// - Parameters:
  ///   - contextLength: most tokens of context and continuation together.
  ///   - blend: the quantity that λ blends.
  /// - Throws: `SessionError`.
  package init(
    bundle: ModelBundle, realignments: [Realignment], contextLength: Int, engine: Engine, cacheCodec: CacheCodec = .f16,
    blend: Blend = .logits
  ) throws {
    let session = try DecodingSession(
      bundle: bundle, contextLength: contextLength, engine: engine,
      maxOutputs: min(PerplexityMeasurement.block, contextLength), cacheCodec: cacheCodec, blend: blend,
      mixtures: realignments.count)
    forcing = try TeacherForcing(session: session, realignments: realignments, asDecoding: true)
    scratch = [Float](repeating: 0, count: forcing.vocabularySize)
    self.contextLength = contextLength
  }

  /// - Returns: a score for every λ.
  /// - Throws: `EvaluationError.emptyPart`, `.notFinite`, `SessionError`.
  package func score(context: [Int32], continuation: [Int32]) throws -> [Score] {
    guard !context.isEmpty, !continuation.isEmpty else { throw EvaluationError.emptyPart }
    let text = context + continuation
    guard text.count <= contextLength else {
      throw SessionError.contextFull(tokens: text.count, limit: contextLength)
    }
    var scores = forcing.realignments.map { _ in Score(logLikelihood: 0, isGreedy: true) }
    // The last token is never run, but it must exist.
    if let token = text.last, !(0..<forcing.vocabularySize).contains(Int(token)) {
      throw SessionError.invalidToken(token, vocabularySize: forcing.vocabularySize)
    }
    try forcing.start(Array(text.dropLast()), from: context.count - 1)
    while case let positions = forcing.next(), !positions.isEmpty {
      for position in positions {
        let target = Int(text[position + 1])
        for index in scores.indices {
          let (loss, top) = scratch.withUnsafeMutableBufferPointer { scratch in
            let logits = forcing.logits(index, at: position, scratch: scratch)
            let distribution = LogitDistribution(logits)
            return (distribution.logSum - Double(logits[target]), distribution.top)
          }
          scores[index].logLikelihood -= loss
          scores[index].isGreedy = scores[index].isGreedy && top == target
        }
      }
    }
    try forcing.checkUnchanged()
    for (score, realignment) in zip(scores, forcing.realignments) where !score.logLikelihood.isFinite {
      throw EvaluationError.notFinite(lambda: realignment.description(models: []))
    }
    return scores
  }
}

extension ContinuationScorer {
  /// Scores of a whole text of any length. It is cut as lm-evaluation-harness cuts it: windows of one token less than the
  /// context, each after the token before it; the last one after as much as fits.
  /// - Parameter start: stands before the text.
  /// - Returns: a score for every λ.
  /// - Throws: as `score`.
  package func rolling(_ tokens: [Int32], start: Int32) throws -> [Score] {
    guard !tokens.isEmpty else { throw EvaluationError.emptyPart }
    let window = contextLength - 1
    let text = [start] + tokens
    var sums: [Score]?
    var done = 0
    while done < tokens.count {
      let count = min(window, tokens.count - done)
      // Index `done` of `text` is the token before `done` of `tokens`.
      let first = done == 0 ? 0 : max(0, done + count - window)
      let scores = try score(
        context: Array(text[first...done]), continuation: Array(tokens[done..<done + count]))
      sums = sums.map { zip($0, scores).map(+) } ?? scores
      done += count
    }
    return sums ?? []
  }
}

extension ContinuationScorer.Score {
  /// The score of two texts, one after the other.
  fileprivate static func + (left: Self, right: Self) -> Self {
    Self(logLikelihood: left.logLikelihood + right.logLikelihood, isGreedy: left.isGreedy && right.isGreedy)
  }
}

extension Tokenizer {
  /// Cuts a text at the border of context and continuation as lm-evaluation-harness does: blanks that end the context belong to the
  /// continuation, and the continuation is what the whole text's tokens have beyond the context's own. An empty context is
  /// the beginning-of-text token, or the end-of-text token of models without one.
  /// - Throws: `TokenizerError`, `EvaluationError.noStartToken`.
  package func split(context: String, continuation: String) throws -> (context: [Int32], continuation: [Int32]) {
    if context.isEmpty {
      guard let start = bosID ?? eosID else { throw EvaluationError.noStartToken }
      let tokens = try encode(continuation, addSpecial: false)
      return tokens.first == start ? ([start], Array(tokens.dropFirst())) : ([start], tokens)
    }
    var head = context[...]
    while let last = head.last, last.isWhitespace { head = head.dropLast() }
    let rest = String(context[head.endIndex...]) + continuation
    let whole = prefixIDs + (try encode(String(head) + rest, addSpecial: false))
    let start = prefixIDs + (try encode(String(head), addSpecial: false))
    return (start, Array(whole.dropFirst(start.count)))
  }
}
