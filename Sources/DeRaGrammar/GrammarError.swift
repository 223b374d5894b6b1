/// Why a grammar cannot be made, or an answer cannot go on under it.
package enum GrammarError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A keyword of JSON Schema that is not understood: ignoring it would let wrong answers pass.
  case unsupported(keyword: String, path: String, reason: String)
  /// A keyword with a value of the wrong kind.
  case malformed(keyword: String, path: String, expected: String)
  /// A `$ref` that leads nowhere.
  case unresolved(reference: String, path: String)
  /// A schema that is defined by itself without anything between.
  case selfReference(path: String)
  /// - Parameter offset: of the character in the pattern.
  case pattern(problem: String, offset: Int, pattern: String)
  /// A schema that would take too much memory or time.
  case tooLarge(what: String, limit: Int)
  /// No text satisfies the grammar.
  case impossible
  /// The answer so far can be read in too many ways, or too much work is needed for the next token.
  case tooAmbiguous(limit: Int)
  /// A token that the grammar does not take here.
  case refused(token: Int32)
  /// The grammar wants more, but no token of the vocabulary spells it.
  case noToken

  package var description: String {
    switch self {
    case .unsupported(let keyword, let path, let reason):
      "'\(keyword)' at \(path) is not supported\(reason.isEmpty ? "" : ": \(reason)")"
    case .malformed(let keyword, let path, let expected): "'\(keyword)' at \(path) must be \(expected)"
    case .unresolved(let reference, let path): "'$ref' at \(path): there is no schema at \"\(reference)\""
    case .selfReference(let path): "the schema at \(path) is defined by itself"
    case .pattern(let problem, let offset, let pattern):
      "the regular expression \"\(pattern)\", character \(offset): \(problem)"
    case .tooLarge(let what, let limit): "the grammar is too large: more than \(limit) \(what)"
    case .impossible: "no text satisfies the grammar"
    case .tooAmbiguous(let limit): "the grammar is too ambiguous: a token takes more than \(limit) steps"
    case .refused(let token): "the grammar does not take token \(token) here"
    case .noToken: "no token of the vocabulary continues the answer as the grammar wants"
    }
  }
}

/// Bounds that keep a grammar from an untrusted source from taking memory or time.
package enum GrammarLimits {
  /// Nesting of objects and arrays in an answer, as `JSON.maximumDepth` reads them.
  package static let depth = 64
  /// Rules: a JSON Schema has one for each subschema, or set of subschemas that apply to one value, and container.
  package static let rules = 10_000
  package static let states = 1 << 18
  /// Alternatives of one value after `anyOf` and `oneOf` are multiplied out.
  package static let alternatives = 512
  /// Subschemas read, with repetitions.
  package static let readings = 50_000
  /// Largest bound of a counted repetition.
  package static let repetitions = 1 << 30
  /// Nesting of groups in a regular expression.
  package static let groups = 64
  /// Ways in which an answer can be read at one place.
  package static let configurations = 1 << 14
  /// Configurations looked at for one mask.
  package static let work = 1 << 24
  /// Deterministic states kept; more, and they are forgotten.
  package static let cachedStates = 1 << 13
  /// Deterministic states made for one mask.
  package static let statesOfMask = 1 << 16
  /// Digits of a number's whole part and of its fraction, where the schema bounds neither.
  package static let digits = 32
}
