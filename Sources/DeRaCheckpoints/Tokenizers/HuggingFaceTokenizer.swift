import DeRaTokenization

/// Reads the tokenizer of a Hugging Face directory.
package enum HuggingFaceTokenizer {
  /// `tokenizer.json`, or `tokenizer.model` where that is all there is, together with what `tokenizer_config.json` and
  /// `special_tokens_map.json` say of special tokens. Nil when the directory has no tokenizer.
  /// - Throws: `CheckpointError` naming the file and the field.
  package static func read(directory: String) throws(CheckpointError) -> TokenizerDefinition? {
    var definition: TokenizerDefinition
    let json = "\(directory)/tokenizer.json"
    let model = "\(directory)/tokenizer.model"
    if CheckpointFile.exists(json) {
      definition = try read(tokenizer: json)
    } else if CheckpointFile.exists(model) {
      definition = try SentencePieceModel.read(path: model)
    } else {
      return nil
    }
    for name in ["special_tokens_map.json", "tokenizer_config.json"] where CheckpointFile.exists("\(directory)/\(name)")
    {
      let facts = TokenizerFacts(
        file: TokenizerField(file: "\(directory)/\(name)", value: try CheckpointFile.json("\(directory)/\(name)")))
      try facts.apply(to: &definition)
    }
    return definition
  }

  /// One `tokenizer.json`.
  /// - Throws: `CheckpointError` naming the field.
  package static func read(tokenizer path: String) throws(CheckpointError) -> TokenizerDefinition {
    let root = TokenizerField(file: path, value: try CheckpointFile.json(path))
    let preTokenizer = try PreTokenizerReader.read(root["pre_tokenizer"])
    let model = root["model"]
    let vocabulary = try HuggingFaceVocabulary(model, isByteLevel: preTokenizer.isByteLevel)
    var definition = TokenizerDefinition(
      kind: preTokenizer.isByteLevel ? .byteLevelBPE : .sentencePieceBPE, pieces: vocabulary.pieces,
      merges: .ranked(try vocabulary.merges(model["merges"])))
    definition.normalizer = try NormalizerReader.read(root["normalizer"])
    definition.preTokenizer = preTokenizer.steps
    definition.decoder = try DecoderReader.read(root["decoder"], isByteLevel: preTokenizer.isByteLevel)
    definition.ignoresMerges = try model["ignore_merges"].bool(default: false)
    definition.fallsBackToBytes = try model["byte_fallback"].bool(default: false)
    definition.fusesUnknown = try model["fuse_unk"].bool(default: false)
    definition.unknownID = try unknownID(model["unk_token"], vocabulary, definition.kind)
    definition.addedTokens = try vocabulary.addedTokens(root["added_tokens"])
    let template = try PostProcessorReader.read(root["post_processor"])
    definition.prefixIDs = template.prefix
    definition.suffixIDs = template.suffix
    return definition
  }

  private static func unknownID(
    _ field: TokenizerField, _ vocabulary: HuggingFaceVocabulary, _ kind: TokenizerDefinition.Kind
  ) throws(CheckpointError) -> Int32? {
    if field.isNull { return nil }
    let id = vocabulary.id(of: try field.string())
    if id == nil && kind == .sentencePieceBPE { throw field.error("the unknown token is not in the vocabulary") }
    return id
  }
}

/// The `model` of a `tokenizer.json`.
struct HuggingFaceVocabulary {
  let pieces: [TokenizerDefinition.Piece]
  private let ids: JSONObject
  private let field: TokenizerField

  /// - Throws: `CheckpointError` for other models than BPE and for ids that are none.
  init(_ model: TokenizerField, isByteLevel: Bool) throws(CheckpointError) {
    // Files of 2020 do not name the type.
    if !model["type"].isNull, try model.type() != "BPE" {
      throw model.unsupported("model", try model.type(), supported: ["BPE"])
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] where !model[key].isNull {
      if try model[key].string() != "" { throw model[key].error("word markers are not supported", expected: "null") }
    }
    if let dropout = model["dropout"].value.double, dropout != 0 {
      throw model["dropout"].error("dropout makes ids random", expected: "null")
    }
    field = model["vocab"]
    ids = try field.object()
    let fallsBack = try model["byte_fallback"].bool(default: false)
    var pieces: [TokenizerDefinition.Piece] = []
    pieces.reserveCapacity(ids.count)
    for (key, value) in zip(ids.keys, ids.values) {
      let id = try TokenizerField(file: field.file, place: "model.vocab entry \"\(key)\"", value: value).tokenID()
      pieces.append(Self.piece(key, id, isByteLevel: isByteLevel, fallsBack: fallsBack))
    }
    self.pieces = pieces
  }

  private static func piece(
    _ key: String, _ id: Int32, isByteLevel: Bool, fallsBack: Bool
  ) -> TokenizerDefinition.Piece {
    if isByteLevel {
      guard let bytes = ByteAlphabet.decode(key.unicodeScalars) else {
        return TokenizerDefinition.Piece(id: id, bytes: Array(key.utf8), role: .reserved)
      }
      return TokenizerDefinition.Piece(id: id, bytes: bytes)
    }
    let byte = fallsBack ? ByteToken.value(of: key) : nil
    return TokenizerDefinition.Piece(id: id, bytes: Array(key.utf8), role: byte.map { .byte($0) } ?? .text)
  }

  func id(of key: String) -> Int32? { ids[key]?.int.flatMap { Int32(exactly: $0) } }

  /// Merges as "left right" or as ["left", "right"].
  func merges(_ field: TokenizerField) throws(CheckpointError) -> [TokenizerDefinition.Merge] {
    if field.isNull { return [] }
    var merges: [TokenizerDefinition.Merge] = []
    guard let values = field.value.array else {
      throw field.error("found \(field.value.summary)", expected: "an array")
    }
    merges.reserveCapacity(values.count)
    for (rank, value) in values.enumerated() {
      let parts =
        value.string.map { $0.split(separator: " ", omittingEmptySubsequences: false).map(String.init) }
        ?? value.array?.compactMap(\.string) ?? []
      guard parts.count == 2 else {
        throw field.error("merge \(rank) is \(value.summary)", expected: "two pieces")
      }
      guard let left = id(of: parts[0]), let right = id(of: parts[1]), let result = id(of: parts[0] + parts[1]) else {
        throw field.error(
          "merge \(rank), \(value.summary), names a piece that the vocabulary does not have",
          remedy: "Repair the file or fetch it again.")
      }
      merges.append(TokenizerDefinition.Merge(left: left, right: right, result: result))
    }
    return merges
  }

  /// - Throws: `CheckpointError` when an added token contradicts the vocabulary.
  func addedTokens(_ field: TokenizerField) throws(CheckpointError) -> [TokenizerDefinition.AddedToken] {
    if field.isNull { return [] }
    var tokens: [TokenizerDefinition.AddedToken] = []
    for entry in try field.elements() {
      let token = try TokenizerDefinition.AddedToken(entry, id: entry["id"].tokenID())
      if token.content.isEmpty { continue }
      if let known = id(of: String(decoding: token.content, as: UTF8.self)), known != token.id {
        throw entry.error("the id \(token.id) differs from the vocabulary's \(known)")
      }
      tokens.append(token)
    }
    return tokens
  }
}

extension TokenizerDefinition.AddedToken {
  /// An entry of `added_tokens` or of `added_tokens_decoder`.
  init(_ entry: TokenizerField, id: Int32) throws(CheckpointError) {
    self.init(
      id: id, content: try entry["content"].bytes(), isSpecial: try entry["special"].bool(default: false))
    stripsLeft = try entry["lstrip"].bool(default: false)
    stripsRight = try entry["rstrip"].bool(default: false)
    isSingleWord = try entry["single_word"].bool(default: false)
    isNormalized = try entry["normalized"].bool(default: !isSpecial)
  }
}

/// How SentencePiece vocabularies spell single bytes.
enum ByteToken {
  /// 10 for `<0x0A>`.
  static func value(of piece: String) -> UInt8? {
    guard piece.utf8.count == 6, piece.hasPrefix("<0x"), piece.hasSuffix(">") else { return nil }
    let digits = piece.dropFirst(3).dropLast()
    return digits.allSatisfy { $0.isHexDigit && !$0.isLowercase } ? UInt8(digits, radix: 16) : nil
  }
}
