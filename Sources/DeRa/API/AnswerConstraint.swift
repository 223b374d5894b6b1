import DeRaGrammar
import DeRaJSON

/// The form that an answer must have, compiled for a bundle's vocabulary. Any number of answers may share it.
///
/// Tokens that do not fit are never drawn, whatever λ is, and the answer ends where its form is complete. It is cut where
/// `maxTokens` or the context ends it first.
public struct AnswerConstraint: Sendable, Equatable {
  package let grammar: Grammar
  package let vocabulary: GrammarVocabulary

  /// Whether both are the same compiled form.
  public static func == (left: AnswerConstraint, right: AnswerConstraint) -> Bool {
    left.grammar == right.grammar && left.vocabulary === right.vocabulary
  }
}

/// A description of the texts that an answer may be.
public enum AnswerForm: Sendable, Hashable {
  /// Any JSON object.
  case jsonObject
  /// A JSON value that a JSON Schema (draft 2020-12) allows; the schema as a text. Keywords that are not supported are an
  /// error. Objects have the properties that `properties` lists and no others, unless `additionalProperties` is given.
  case jsonSchema(String)
  /// A text that matches a regular expression (ECMA-262) from beginning to end.
  case pattern(String)
  /// One of some texts.
  case choice([String])
}

extension ModelBundle {
  /// Compiles a form for answers of this bundle.
  /// - Throws: `DeRaError.noTokenizer`; `.invalidConstraint`, saying which part of the form is wrong, not supported or too large.
  public func constraint(_ form: AnswerForm) throws -> AnswerConstraint {
    try DeRaError.wrapping(path: path) { try constraint(compiling: form.source()) }
  }

  /// - Throws: `PromptError.noTokenizer`, `GrammarError`.
  package func constraint(compiling source: GrammarSource) throws -> AnswerConstraint {
    guard let vocabulary = grammarVocabulary else { throw PromptError.noTokenizer(path: path) }
    return AnswerConstraint(grammar: try Grammar(source, closesObjects: true), vocabulary: vocabulary)
  }
}

extension AnswerForm {
  /// - Throws: `DeRaError.invalidConstraint` for a schema that is no JSON.
  package func source() throws(DeRaError) -> GrammarSource {
    switch self {
    case .jsonObject: return .jsonObject
    case .pattern(let pattern): return .regex(pattern)
    case .choice(let texts): return .literals(texts)
    case .jsonSchema(let text):
      do throws(JSONError) {
        return .jsonSchema(try JSON.parse(text))
      } catch {
        throw .invalidConstraint(reason: "the schema is no JSON: \(error)")
      }
    }
  }
}
