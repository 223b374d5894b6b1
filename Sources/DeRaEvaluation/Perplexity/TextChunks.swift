/// A text cut as llama.cpp's perplexity tool does it: chunks of `context` tokens that do not overlap, each beginning with the
/// model's beginning-of-text token where it has one (in place of the chunk's first token), the second half scored.
package struct TextChunks: Sendable, Equatable {
  package static let defaultContext = 512
  /// Fewer tokens leave nothing to score.
  package static let leastContext = 4

  package let tokens: [Int32]
  package let context: Int
  package let count: Int
  private let beginning: Int32?

  /// - Parameters:
  ///   - tokens: the text, with the special tokens the model expects before it.
  ///   - context: tokens of a chunk, at least 4.
  ///   - beginning: takes the place of every chunk's first token.
  ///   - limit: most chunks to use.
  /// - Throws: `EvaluationError.textTooShort` when not even one chunk is full.
  package init(tokens: [Int32], context: Int, beginning: Int32?, limit: Int? = nil) throws(EvaluationError) {
    guard context >= Self.leastContext else { throw .contextTooSmall(context) }
    guard tokens.count >= context else { throw .textTooShort(tokens: tokens.count, context: context) }
    self.tokens = tokens
    self.context = context
    self.beginning = beginning
    count = min(tokens.count / context, limit ?? .max)
  }

  /// Scored tokens of a chunk.
  package var scoredTokens: Int { Self.scoredTokens(context: context) }
  /// The first position whose logits are scored, against the token after it.
  package var firstScored: Int { context / 2 }

  /// Scored tokens of a chunk of so many tokens.
  package static func scoredTokens(context: Int) -> Int { context - 1 - context / 2 }

  /// The tokens `[context]` of a chunk.
  package subscript(index: Int) -> [Int32] {
    var chunk = Array(tokens[index * context..<(index + 1) * context])
    if let beginning { chunk[0] = beginning }
    return chunk
  }
}

/// Why something cannot be evaluated.
package enum EvaluationError: Error, Equatable, CustomStringConvertible {
  case contextTooSmall(Int)
  case textTooShort(tokens: Int, context: Int)
  /// Two bundles are not two forms of one pair.
  case differentPairs(String)
  case notFinite(lambda: String)
  /// A context or continuation without tokens.
  case emptyPart
  /// An empty context, and the model has no token to stand for it.
  case noStartToken

  package var description: String {
    switch self {
    case .contextTooSmall(let context): "a context of \(context) tokens leaves nothing to score; use at least 4"
    case .textTooShort(let tokens, let context):
      "the text has \(tokens) tokens, fewer than one chunk of \(context); give a longer text or a smaller context"
    case .differentPairs(let what): "the bundles are not the same pair: \(what)"
    case .notFinite(let lambda):
      "the logits at λ = \(lambda) are not finite; the weights are damaged or λ is too large"
    case .emptyPart: "context and continuation need at least one token each"
    case .noStartToken:
      "the context is empty and the tokenizer has no beginning-of-text or end-of-text token; give a context"
    }
  }
}
