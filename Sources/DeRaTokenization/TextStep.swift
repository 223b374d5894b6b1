/// A pattern that a step looks for in the text.
package enum TextPattern: Sendable, Equatable {
  /// These bytes of UTF-8, exactly.
  case literal([UInt8])
  /// A regular expression in the dialect of Hugging Face `tokenizers` (Oniguruma, Ruby syntax).
  case regex(String)
}

/// The treatment of a split's matches: the six behaviours of Hugging Face `tokenizers`, except that `isolated` and the
/// others name what becomes of the match.
package enum SplitBehavior: UInt8, Sendable, Equatable, CaseIterable {
  case removed, isolated, mergedWithPrevious, mergedWithNext, contiguous
}

/// One step between the text and the model: normalisers and pre-tokenisers alike turn pieces of text into pieces of text.
package enum TextStep: Sendable, Equatable {
  /// Canonical composition (NFC).
  case composed
  /// Canonical decomposition (NFD).
  case decomposed
  /// Lower case, scalar by scalar, without context or language.
  case lowercased
  /// Removes Unicode white space at the ends.
  case trimmed(left: Bool, right: Bool)
  /// Replaces every match by `with`.
  case replaced(TextPattern, with: [UInt8])
  /// Puts `bytes` before a piece that is not empty; with `unlessPresent` only if it does not start with them, with
  /// `firstOnly` only for the piece at the very start of the text.
  case prefixed([UInt8], unlessPresent: Bool, firstOnly: Bool)
  /// Cuts pieces at the matches; with `inverted` what lies between the matches counts as the match.
  case split(TextPattern, SplitBehavior, inverted: Bool)
}

extension TextStep {
  /// The pattern of GPT-2 (`ByteLevel` with `use_regex`).
  /// Source: openai/gpt-2, `encoder.py`, in the form Hugging Face `tokenizers` publishes.
  package static let gpt2Pattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  /// The `ByteLevel` pre-tokeniser.
  package static func byteLevel(addPrefixSpace: Bool, usesRegex: Bool) -> [TextStep] {
    (addPrefixSpace ? [.prefixed([0x20], unlessPresent: true, firstOnly: false)] : [])
      + (usesRegex ? [.split(.regex(gpt2Pattern), .isolated, inverted: false)] : [])
  }

  /// The `Digits` pre-tokeniser: every numeric character alone, or runs of them.
  package static func digits(individual: Bool) -> TextStep {
    .split(.regex(individual ? #"\p{N}"# : #"\p{N}+"#), .isolated, inverted: false)
  }

  /// When the `Metaspace` pre-tokeniser puts its sign before a text.
  package enum PrependScheme: String, Sendable, CaseIterable { case always, never, first }

  /// The `Metaspace` pre-tokeniser: spaces become `replacement`, which is put before the text and cuts words.
  package static func metaspace(replacement: [UInt8], scheme: PrependScheme, splits: Bool) -> [TextStep] {
    var steps: [TextStep] = [.replaced(.literal([0x20]), with: replacement)]
    if scheme != .never { steps.append(.prefixed(replacement, unlessPresent: true, firstOnly: scheme == .first)) }
    if splits { steps.append(.split(.literal(replacement), .mergedWithNext, inverted: false)) }
    return steps
  }
}
