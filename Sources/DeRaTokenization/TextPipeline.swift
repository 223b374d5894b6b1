/// Steps with their patterns compiled, ready to run.
struct TextPipeline: Sendable {
  /// Bytes that the steps may make of a text, whatever its length; what counts them has 32 bits.
  static let maximumBytes = 1 << 30
  /// Bytes they may make of each byte. A space that becomes "▁" and has another put before it takes 6, the longest
  /// decompositions 3.
  static let growth = 8
  /// Bytes they may make besides, of however short a text.
  static let allowance = 1 << 16

  enum Finder: Sendable {
    case literal([UInt8])
    case pattern(CompiledPattern)
  }

  let steps: [(step: TextStep, finder: Finder?)]

  /// - Parameter steps: with patterns in PCRE2's syntax.
  /// - Throws: `TokenizerError.invalidPattern`.
  init(translated steps: [TextStep]) throws(TokenizerError) {
    var compiled: [(step: TextStep, finder: Finder?)] = []
    for step in steps { compiled.append((step, try step.pattern.map(Self.finder))) }
    self.steps = compiled
  }

  var isEmpty: Bool { steps.isEmpty }

  /// Bytes that steps may make of a text of `count` bytes: replacements cannot fill the memory.
  static func limit(of count: Int) -> Int { min(maximumBytes, allowance + growth * count) }

  private static func finder(_ pattern: TextPattern) throws(TokenizerError) -> Finder {
    switch pattern {
    case .literal(let bytes): .literal(bytes)
    case .regex(let source): .pattern(try CompiledPattern(pcre2: source))
    }
  }

  /// Runs all steps over `text`.
  /// - Parameter continues: `text` goes on another one, so that nothing is put before it.
  /// - Throws: `TokenizerError.matchLimit` or `.textGrew`.
  func run(_ text: inout PiecedText, matcher: Matcher, continues: Bool = false) throws(TokenizerError) {
    for (step, finder) in steps {
      switch step {
      case .composed: try text.rewrite { piece, output in Normalization.compose(piece, to: &output) }
      case .decomposed: try text.rewrite { piece, output in Normalization.decompose(piece, to: &output) }
      case .lowercased: try text.rewrite { piece, output in Normalization.lowercase(piece, to: &output) }
      case .trimmed(let left, let right): text.trim(left: left, right: right)
      case .prefixed(let bytes, let unlessPresent, let firstOnly):
        if !continues { try text.prefix(bytes, unlessPresent: unlessPresent, firstOnly: firstOnly) }
      case .replaced(_, let content):
        if let finder { try text.replace(finder, with: content, matcher: matcher) }
      case .split(_, let behavior, let inverted):
        if let finder { try text.split(finder, behavior, inverted: inverted, matcher: matcher) }
      }
    }
  }
}

extension TextStep {
  /// The pattern that the step looks for, if it looks for anything.
  var pattern: TextPattern? {
    switch self {
    case .replaced(let pattern, _), .split(let pattern, _, _): pattern
    default: nil
    }
  }

  /// The same step with a regular expression in PCRE2's syntax.
  func translated() throws(TokenizerError) -> TextStep {
    guard case .regex(let source) = pattern else { return self }
    let regex = TextPattern.regex(try RegexDialect.pcre2(from: source))
    return switch self {
    case .replaced(_, let content): .replaced(regex, with: content)
    case .split(_, let behavior, let inverted): .split(regex, behavior, inverted: inverted)
    default: self
    }
  }
}
