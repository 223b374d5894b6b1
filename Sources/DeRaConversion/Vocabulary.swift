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

  /// Words for an id that a vocabulary does not have.
  static let absent = "no token"

  /// The ids that only one of the two has.
  func unmatched(_ other: Vocabulary) -> Set<Int32> { Set(tokens.keys).symmetricDifference(other.tokens.keys) }

  /// The first id that the two disagree on.
  func firstDifference(_ other: Vocabulary, besides ignored: Set<Int32>) -> Int32? {
    Set(tokens.keys).union(other.tokens.keys).filter { tokens[$0] != other.tokens[$0] && !ignored.contains($0) }.min()
  }

  func description(of id: Int32) -> String {
    tokens[id].map { "\"\(String(decoding: $0, as: UTF8.self))\"" } ?? Self.absent
  }
}

/// The tokens that all models have.
struct SharedVocabulary {
  /// Rows of the embedding table, at least one for every token.
  private(set) var rows: Int
  /// The first model's that has one; nil when no model has.
  private(set) var definition: TokenizerDefinition?
  private(set) var warnings: [String] = []

  /// Rows beyond the tokens are padding, so models may differ in their number; without any tokenizer that cannot be known,
  /// and the numbers must agree.
  ///
  /// - Parameter leavesOutOthers: leave out tokens that only some models have.
  /// - Throws: `ConversionError` when the vocabularies differ or a model has too few rows.
  init(_ models: [NamedCheckpoint], leavesOutOthers: Bool) throws(ConversionError) {
    rows = models.map { $0.checkpoint.configuration.vocabularySize }.min() ?? 0
    var known: [NamedTokenizer] = []
    for model in models {
      guard var definition = model.checkpoint.tokenizer else { continue }
      // Some tokens have a row in the larger models' tables only.
      if let text = definition.leaveOutTokens(from: rows) { warnings.append("\(model.name): \(text)") }
      let isGGUF = model.checkpoint.sources.first?.hasSuffix(".gguf") == true
      known.append(NamedTokenizer(name: model.name, definition: definition, isGGUF: isGGUF))
    }
    guard let first = known.first else {
      try checkEqualRows(models)
      return
    }
    definition = first.definition
    let vocabulary = Vocabulary(first.definition)
    let others = known.dropFirst().map { (name: $0.name, vocabulary: Vocabulary($0.definition)) }
    var partial: Set<Int32> = []
    if leavesOutOthers { for other in others { partial.formUnion(vocabulary.unmatched(other.vocabulary)) } }
    for other in others {
      guard let id = vocabulary.firstDifference(other.vocabulary, besides: partial) else { continue }
      throw .vocabulary(
        id: Int(id), reference: vocabulary.description(of: id), aligned: other.vocabulary.description(of: id),
        model: other.name)
    }
    warnings += known.dropFirst().compactMap { $0.difference(from: first, besides: partial) }
    leaveOut(partial)
    let size = definition.map { Vocabulary($0).size } ?? 0
    for model in models where model.checkpoint.configuration.vocabularySize < size {
      throw .tooFewRows(rows: model.checkpoint.configuration.vocabularySize, tokens: size, model: model.name)
    }
  }

  /// Rows of tokens that are left out go too, where nothing follows them: no answer can then hold them.
  private mutating func leaveOut(_ partial: Set<Int32>) {
    guard let lowest = partial.min() else { return }
    _ = definition?.leaveOut(partial)
    let size = definition.map { Vocabulary($0).size } ?? 0
    if Int(lowest) >= size { rows = min(rows, Int(lowest)) }
    warnings.append("\(partial.count) tokens that only some models have are left out, \(lowest) the first")
  }

  private func checkEqualRows(_ models: [NamedCheckpoint]) throws(ConversionError) {
    let expected = models[0].checkpoint.configuration.vocabularySize
    for model in models where model.checkpoint.configuration.vocabularySize != expected {
      throw .incompatible(
        field: "vocabulary size (no tokenizer says which rows are padding)", reference: "\(expected)",
        aligned: "\(model.checkpoint.configuration.vocabularySize)", model: model.name)
    }
  }
}

/// A model's tokenizer, to be compared with the one that the bundle takes.
private struct NamedTokenizer {
  let name: String
  let definition: TokenizerDefinition
  /// Formats describe the same steps differently.
  let isGGUF: Bool

  /// A warning where a text may be cut otherwise although the tokens are the same; nil where nothing differs.
  func difference(from first: NamedTokenizer, besides ignored: Set<Int32>) -> String? {
    var parts: [String] = []
    switch (first.definition.merges, definition.merges) {
    case (.ranked(let theirs), .ranked(let ours)):
      let (theirs, ours) = (
        theirs.filter { !ignored.contains($0.result) }, ours.filter { !ignored.contains($0.result) }
      )
      if theirs != ours { parts.append("merges (\(ours.count) instead of \(theirs.count))") }
    case (.scored(let theirs), .scored(let ours)):
      if ignored.isEmpty && theirs != ours { parts.append("scores") }
    default: break
    }
    if isGGUF == first.isGGUF {
      let (their, our) = (first.definition, definition)
      if their.normalizer != our.normalizer { parts.append("normalizer") }
      if their.preTokenizer != our.preTokenizer { parts.append("pre-tokenizer") }
      if their.prefixIDs != our.prefixIDs || their.suffixIDs != our.suffixIDs {
        parts.append("tokens around a text")
      }
    }
    if parts.isEmpty { return nil }
    return "\(name): its tokenizer has other \(parts.joined(separator: ", ")) than that of \(first.name), as which the "
      + "bundle cuts text; if the models were trained with different tokenizers, their blend is worthless"
  }
}
