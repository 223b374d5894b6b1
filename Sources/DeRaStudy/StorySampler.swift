import DeRa
import DeRaEvaluation
import DeRaKernels

/// Samples many texts at once at temperature 1, without truncation, so that they are draws from the blend itself.
package final class StorySampler {
  private let batch: BatchSampler
  private let start: Int32

  /// - Parameters:
  ///   - blend: the quantity that λ blends.
  ///   - width: texts written at once; what they become does not depend on it.
  ///   - contextLength: a text that has not ended by then is cut.
  /// - Throws: `SessionError`, `EvaluationError.noStartToken`.
  package init(bundle: ModelBundle, engine: Engine, blend: Blend = .logits, width: Int = 32, contextLength: Int = 320)
    throws
  {
    guard let tokenizer = bundle.tokenizer, let start = tokenizer.bosID ?? tokenizer.eosID else {
      throw EvaluationError.noStartToken
    }
    self.start = start
    var options = GenerationOptions()
    options.maxTokens = contextLength - 1
    options.sampling.temperature = 1
    options.sampling.topK = 0
    options.sampling.topP = 1
    batch = try BatchSampler(
      bundle: bundle, count: width, contextLength: contextLength, options: options, engine: engine, blend: blend)
  }

  /// - Parameter seeds: one a text.
  /// - Returns: `[seeds]`, the beginning-of-text token, the text's tokens and, if it ended, the end-of-text token.
  /// - Throws: `SessionError`, `SamplingError`.
  package func sample(_ realignment: Realignment, seeds: Range<UInt64>) throws -> [[Int32]] {
    var texts = [[Int32]](repeating: [], count: seeds.count)
    let requests = seeds.map { BatchSampler.Request(prompt: [start], realignment: realignment, seed: $0) }
    try batch.run(requests) { index, drawn in texts[index] = [start] + drawn.tokens }
    return texts
  }
}
