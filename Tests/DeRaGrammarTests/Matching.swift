import DeRaGrammar
import DeRaJSON
import DeRaPlatform
import DeRaTestSupport
import Testing

/// A vocabulary of the 256 bytes, for tests that match texts.
let byteVocabulary = GrammarVocabulary(size: 256) { [UInt8($0)] }

extension Grammar {
  /// Whether the grammar takes a text, and the text may end there.
  func takes(_ text: String) throws -> Bool {
    let state = try GrammarState(self, vocabulary: byteVocabulary)
    return try state.advance(Array(text.utf8)) && state.mayEnd
  }

  /// The grammar of a schema; nil when no value satisfies it.
  static func unlessImpossible(_ schema: JSON) throws -> Grammar? {
    do {
      return try Grammar(.jsonSchema(schema))
    } catch GrammarError.impossible {
      return nil
    }
  }

  static func schema(_ text: String) throws -> Grammar { try Grammar(.jsonSchema(try JSON.parse(text))) }
}
