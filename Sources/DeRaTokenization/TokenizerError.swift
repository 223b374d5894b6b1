/// Why a tokenizer cannot be built, opened or used.
package enum TokenizerError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The definition contradicts itself (duplicate ids, merges of unknown pieces, …).
  case invalidDefinition(String)
  /// A regular expression that PCRE2 refuses or that uses a construct with another meaning there.
  case invalidPattern(pattern: String, reason: String)
  /// The compiled image is truncated or damaged. `offset` counts bytes from its start.
  case damagedImage(offset: Int, found: String, expected: String)
  /// Matching a pattern took more than the permitted work.
  case matchLimit(pattern: String, code: Int32)
  /// Looking for the added tokens took more than the permitted work.
  case workLimit
  /// The text is longer than one call takes.
  case textTooLong(bytes: Int, limit: Int)
  /// The tokenizer's steps make far more of a text than it was; the tokenizer is at fault, not the text.
  case textGrew

  package var description: String {
    switch self {
    case .invalidDefinition(let what):
      "tokenizer: \(what). The checkpoint's tokenizer files are damaged or of an unsupported kind."
    case .invalidPattern(let pattern, let reason):
      "tokenizer: the regular expression “\(pattern)” cannot be used: \(reason)."
    case .damagedImage(let offset, let found, let expected):
      "tokenizer image: byte \(offset): found \(found), expected \(expected). Convert the checkpoint again."
    case .matchLimit(let pattern, let code):
      "tokenizer: splitting the text with “\(pattern)” exceeded the work limit (PCRE2 error \(code)). Split "
        + "the text, or check the pattern in the checkpoint's tokenizer files."
    case .workLimit:
      "tokenizer: looking for the added tokens exceeded the work limit. Split the text, or check the added tokens in the "
        + "checkpoint's tokenizer files."
    case .textTooLong(let bytes, let limit):
      "tokenizer: the text has \(bytes) bytes, at most \(limit) can be taken at once. Split the text."
    case .textGrew:
      "tokenizer: its normalizer and pre_tokenizer make a text longer than \(TextPipeline.allowance) bytes and "
        + "\(TextPipeline.growth) for each of its own, or than \(TextPipeline.maximumBytes) in all. Check these steps "
        + "in the checkpoint's tokenizer files: they are damaged, or made to fill the memory."
    }
  }
}
