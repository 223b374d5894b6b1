/// A regular expression to look for in texts, in PCRE2's syntax: UTF-8 with Unicode properties, `^` and `$` at every line.
/// Matching is bounded in steps, stack, heap and time.
package final class RegularExpression {
  private let pattern: CompiledPattern

  /// - Throws: `TokenizerError.invalidPattern`.
  package init(_ source: String) throws(TokenizerError) { pattern = try CompiledPattern(pcre2: source) }

  /// Whether the pattern is found anywhere in `text`.
  /// - Throws: `TokenizerError.matchLimit` when that takes too much work.
  package func isFound(in text: String) throws(TokenizerError) -> Bool {
    // An empty array has no address, but an empty text can match.
    let bytes = Array(text.utf8) + [0]
    var result: Result<Bool, TokenizerError> = .success(false)
    bytes.withUnsafeBytes { raw in
      let text = UnsafeRawBufferPointer(rebasing: raw.dropLast())
      result = Result { () throws(TokenizerError) in
        try Matcher(textBytes: text.count).firstMatch(of: pattern, in: text, from: 0) != nil
      }
    }
    return try result.get()
  }
}
