import DeRaCheckpoints
import DeRaTokenization

/// The tokens of a checkpoint, for comparing.
struct Vocabulary {
  /// The text of every id. Ids that only fill up the table to a round size are left out.
  private let tokens: [Int32: [UInt8]]

  init(_ definition: TokenizerDefinition) {
    var tokens: [Int32: [UInt8]] = [:]
    for piece in definition.pieces where piece.role != .reserved { tokens[piece.id] = piece.bytes }
    for token in definition.addedTokens { tokens[token.id] = token.content }
    self.tokens = tokens
  }

  /// Least number of embedding rows that gives every token one.
  var size: Int { tokens.keys.max().map { Int($0) + 1 } ?? 0 }

  /// The first id that the two disagree on.
  func firstDifference(_ other: Vocabulary) -> Int32? {
    Set(tokens.keys).union(other.tokens.keys).filter { tokens[$0] != other.tokens[$0] }.min()
  }

  func description(of id: Int32) -> String {
    tokens[id].map { "\"\(String(decoding: $0, as: UTF8.self))\"" } ?? "no token"
  }

  /// The number of ids every model has a row for, at least one for every token. Rows beyond the tokens are padding, so
  /// models may differ in their number; without any tokenizer that cannot be known, and the numbers must agree.
  ///
  /// - Throws: `ConversionError` when the vocabularies differ or a model has too few rows.
  static func sharedSize(_ models: [NamedCheckpoint]) throws(ConversionError) -> Int {
    let known = models.compactMap { model in model.checkpoint.tokenizer.map { (model.name, Vocabulary($0)) } }
    let rows = models.map { $0.checkpoint.configuration.vocabularySize }.min() ?? 0
    guard let (_, vocabulary) = known.first else {
      let expected = models[0].checkpoint.configuration.vocabularySize
      for model in models where model.checkpoint.configuration.vocabularySize != expected {
        throw .incompatible(
          field: "vocabulary size (no tokenizer says which rows are padding)", reference: "\(expected)",
          aligned: "\(model.checkpoint.configuration.vocabularySize)", model: model.name)
      }
      return rows
    }
    for (name, other) in known.dropFirst() {
      guard let id = vocabulary.firstDifference(other) else { continue }
      throw .vocabulary(
        id: Int(id), reference: vocabulary.description(of: id), aligned: other.description(of: id), model: name)
    }
    for model in models where model.checkpoint.configuration.vocabularySize < vocabulary.size {
      throw .tooFewRows(
        rows: model.checkpoint.configuration.vocabularySize, tokens: vocabulary.size, model: model.name)
    }
    return rows
  }
}
