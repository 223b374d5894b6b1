import DeRaTokenization

/// A regular expression in an adapter's configuration that modules are chosen by.
///
/// PEFT matches with Python's `re`; the syntax of PCRE2 is the same for what such patterns use. Work is bounded.
package struct ModulePattern {
  package enum Extent {
    /// The end of a module's name from a dot, or the whole name: `rank_pattern` and `alpha_pattern`.
    case end
    /// The whole name: `target_modules`.
    case whole
  }

  package let text: String
  private let expression: RegularExpression

  /// - Throws: `TokenizerError.invalidPattern`.
  package init(_ text: String, matching extent: Extent = .end) throws(TokenizerError) {
    self.text = text
    let start = extent == .end ? #"\A(?:.*\.)?"# : #"\A"#
    expression = try RegularExpression("\(start)(?:\(text))\\z")
  }

  /// - Throws: `TokenizerError.matchLimit` when that takes too much work.
  package func matches(_ name: String) throws(TokenizerError) -> Bool { try expression.isFound(in: name) }
}
