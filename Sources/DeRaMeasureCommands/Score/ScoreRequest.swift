import DeRa
import DeRaConsole
import DeRaEvaluation
import DeRaTokenization

/// One line of input.
package struct ScoreRequest: Decodable {
  package var id: ScoreID?
  package var context: TextOrTokens?
  package var continuation: TextOrTokens?
  /// A whole text, whose log-likelihood is wanted.
  package var text: TextOrTokens?
  /// Texts that end an answer.
  package var until: [String]?
  package var maxTokens: Int?
  package var temperature: Float?
  /// Repeats an answer of a temperature above 0; nil takes a new one, which the reply names.
  package var seed: UInt64?

  package static let members = ["id", "context", "continuation", "text", "until", "max_tokens", "temperature", "seed"]

  package enum Task {
    case continuation(context: [Int32], continuation: [Int32])
    case rolling([Int32])
    case answer(prompt: [Int32], GenerationOptions)
  }

  /// Longest answer where the request does not say, as lm-evaluation-harness has it.
  private static let usualTokens = 256

  /// - Throws: `StreamError` for a mixture of text and ids, text without a tokenizer or a request of no kind, and what
  ///   cutting throws.
  package func task(_ tokenizer: Tokenizer?) throws -> Task {
    let isAnswer = continuation == nil && text == nil
    if !isAnswer, until != nil || maxTokens != nil || temperature != nil || seed != nil {
      throw StreamError(
        description:
          "\"until\", \"max_tokens\", \"temperature\" and \"seed\" are of answers; a likelihood takes none of them")
    }
    switch (context, continuation, text) {
    case (let context?, let continuation?, nil): return try Self.continuation(context, continuation, tokenizer)
    case (nil, nil, let text?): return .rolling(try Self.ids(text, tokenizer) { try $0.encode($1, addSpecial: false) })
    case (let context?, nil, nil) where until != nil || maxTokens != nil:
      let prompt = try Self.ids(context, tokenizer) { $0.prefixIDs + (try $0.encode($1, addSpecial: false)) }
      return .answer(prompt: prompt, try options())
    default:
      throw StreamError(
        description:
          "give \"context\" and \"continuation\", or \"text\", or \"context\" and \"until\" or \"max_tokens\"")
    }
  }

  private func options() throws -> GenerationOptions {
    var options = GenerationOptions()
    options.maxTokens = maxTokens ?? Self.usualTokens
    options.stopStrings = until ?? []
    options.sampling.temperature = temperature ?? 0
    options.sampling.seed = seed
    options.sampling.topK = 0
    options.sampling.topP = 1
    guard maxTokens ?? 1 > 0 else { throw StreamError(description: "\"max_tokens\" must be at least 1") }
    guard !options.stopStrings.contains("") else {
      throw StreamError(description: "\"until\" must not have an empty text")
    }
    try options.sampling.validate()
    return options
  }

  private static func continuation(
    _ context: TextOrTokens, _ continuation: TextOrTokens, _ tokenizer: Tokenizer?
  ) throws -> Task {
    switch (context, continuation) {
    case (.tokens(let context), .tokens(let continuation)):
      return .continuation(context: context, continuation: continuation)
    case (.text(let context), .text(let continuation)):
      let parts = try needed(tokenizer).split(context: context, continuation: continuation)
      return .continuation(context: parts.context, continuation: parts.continuation)
    default: throw StreamError(description: "context and continuation must both be text or both be token ids")
    }
  }

  private static func ids(
    _ value: TextOrTokens, _ tokenizer: Tokenizer?, _ encode: (Tokenizer, String) throws -> [Int32]
  ) throws -> [Int32] {
    switch value {
    case .tokens(let ids): ids
    case .text(let text): try encode(needed(tokenizer), text)
    }
  }

  private static func needed(_ tokenizer: Tokenizer?) throws -> Tokenizer {
    guard let tokenizer else { throw StreamError(description: "the bundle has no tokenizer; give lists of token ids") }
    return tokenizer
  }
}

package enum TextOrTokens: Decodable {
  case text(String)
  case tokens([Int32])

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    self =
      if let text = try? container.decode(String.self) { .text(text) } else {
        .tokens(try container.decode([Int32].self))
      }
  }
}

/// A number or a text, given back as it came.
package enum ScoreID: Codable {
  case number(Int)
  case text(String)

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    self =
      if let number = try? container.decode(Int.self) { .number(number) } else {
        .text(try container.decode(String.self))
      }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let number): try container.encode(number)
    case .text(let text): try container.encode(text)
    }
  }
}
