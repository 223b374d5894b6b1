import DeRa
import DeRaCalibration
import DeRaEvaluation

/// The held-out part of a text, cut into chunks that a model is measured on: the second half of each is scored.
struct HeldText {
  /// Tokens of a chunk at most.
  private static let contextLimit = 512
  /// Chunks at most, spread over the text: 1,530 scored tokens.
  private static let chunkLimit = 6

  /// `[chunks][context]`
  let texts: [[Int32]]
  let context: Int
  let firstScored: Int
  let scoredTokens: Int
  let bytesPerToken: Double

  /// - Throws: `EvaluationError` when the text is shorter than a chunk can be.
  init(_ tokens: CalibrationTokens, _ bundle: ModelBundle) throws {
    let tokenizer = try PromptFormat(bundle).tokenizer
    let count = tokens.held.count
    let limit = min(Self.contextLimit, bundle.configuration.contextLength)
    // Chunks of equal length, so that little is left over.
    let wanted = max(1, (count + limit / 2) / limit)
    let chunks = try TextChunks(
      tokens: tokens.held, context: min(limit, count / wanted),
      beginning: tokenizer.bosID.flatMap { tokenizer.prefixIDs.contains($0) ? $0 : nil })
    let used = min(chunks.count, Self.chunkLimit)
    texts = (0..<used).map { chunks[$0 * chunks.count / used] }
    context = chunks.context
    firstScored = chunks.firstScored
    scoredTokens = used * chunks.scoredTokens
    bytesPerToken = Double(tokens.heldBytes) / Double(max(1, count - tokenizer.prefixIDs.count))
  }
}
