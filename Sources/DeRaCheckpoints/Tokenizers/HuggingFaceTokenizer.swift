import DeRaJSON
import DeRaTokenization

/// Reads the tokenizer of a Hugging Face directory.
package enum HuggingFaceTokenizer {
  /// Files that are read where they are there, in the order in which later ones count more.
  static let fileNames = [
    "tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json",
    "tokenizer_config.json",
  ]

  /// `tokenizer.json`, or `tokenizer.model`, or `vocab.json` and `merges.txt`, together with what the files beside them say of
  /// added and special tokens. Nil when the directory has no tokenizer.
  /// - Throws: `CheckpointError` naming the file and the field.
  package static func read(directory: String) throws(CheckpointError) -> TokenizerDefinition? {
    var remarks: [CheckpointRemark] = []
    return try read(directory: directory, remarks: &remarks)
  }

  /// The directory's tokenizer; nil when it has none.
  /// - Parameter remarks: gets what was guessed or is not used, as sentences for the user.
  static func read(directory: String, remarks: inout [CheckpointRemark]) throws(CheckpointError) -> TokenizerDefinition?
  {
    func file(_ name: String) throws(CheckpointError) -> TokenizerField? {
      let path = "\(directory)/\(name)"
      return CheckpointFile.exists(path) ? TokenizerField(file: path, value: try CheckpointFile.json(path)) : nil
    }
    let config = try file("tokenizer_config.json")
    let settings = try TokenizerSettings(config)
    guard let found = try definition(directory, settings, &remarks) else { return nil }
    var definition = found.definition
    if let added = try file("added_tokens.json") { try TokenizerFacts(file: added).addTokens(to: &definition) }
    for facts in [try file("special_tokens_map.json"), config].compactMap(\.self) {
      try TokenizerFacts(file: facts).apply(to: &definition, endsAreGiven: found.isComplete, remarks: &remarks)
    }
    return definition
  }

  /// The tokenizer without the files beside it, and whether it says itself what is put around a text.
  private static func definition(
    _ directory: String, _ settings: TokenizerSettings, _ remarks: inout [CheckpointRemark]
  ) throws(CheckpointError) -> (definition: TokenizerDefinition, isComplete: Bool)? {
    let json = "\(directory)/tokenizer.json"
    if CheckpointFile.exists(json) {
      return (try read(tokenizer: json, prefixSpace: settings.byteLevelPrefixSpace), true)
    }
    let model = "\(directory)/tokenizer.model"
    if CheckpointFile.exists(model) {
      var vocabulary = try SentencePieceModel.vocabulary(path: model)
      vocabulary.apply(settings)
      return (try vocabulary.definition(), false)
    }
    let (vocabulary, merges) = ("\(directory)/vocab.json", "\(directory)/merges.txt")
    guard CheckpointFile.exists(vocabulary), CheckpointFile.exists(merges) else { return nil }
    return (try read(vocabulary: vocabulary, merges: merges, settings, &remarks), false)
  }

  /// A byte-level tokenizer from before `tokenizer.json`. How words are split only the class knows.
  private static func read(
    vocabulary path: String, merges mergesPath: String, _ settings: TokenizerSettings,
    _ remarks: inout [CheckpointRemark]
  ) throws(CheckpointError) -> TokenizerDefinition {
    let name = settings.tokenizerClass?.splitName
    if name == nil {
      remarks.append(
        CheckpointRemark(
          .guessed,
          "vocab.json and merges.txt do not say how words are split, nor does the class "
            + "\(settings.className ?? "(none is named)"); they are split as GPT-2 splits them"))
    }
    let split = GGUFPreTokenizer.named(name ?? "gpt-2")
    var members = JSONObject()
    _ = members.append("vocab", try CheckpointFile.json(path))
    let vocabulary = try HuggingFaceVocabulary(TokenizerField(file: path, value: .object(members)), isByteLevel: true)
    let lines = try CheckpointFile.text(mergesPath, limit: 1 << 26).split(whereSeparator: { $0 == "\n" || $0 == "\r\n" }
    ).map {
      $0.hasSuffix("\r") ? String($0.dropLast()) : String($0)
    }
    let merges = lines.drop { $0.hasPrefix("#version") }.filter { !$0.isEmpty }
    var definition = TokenizerDefinition(
      kind: .byteLevelBPE, pieces: vocabulary.pieces,
      merges: .ranked(
        try vocabulary.merges(TokenizerField(file: mergesPath, value: .array(merges.map(JSON.string))))))
    definition.normalizer = split?.normalizer ?? []
    definition.preTokenizer =
      (settings.byteLevelPrefixSpace ?? settings.addsPrefixSpace ?? false
        ? [.prefixed([0x20], unlessPresent: true, firstOnly: false)] : []) + (split?.steps ?? [])
    return definition
  }

  /// One `tokenizer.json`.
  /// - Parameter prefixSpace: `add_prefix_space` of its byte-level steps, where another file decides.
  /// - Throws: `CheckpointError` naming the field.
  package static func read(
    tokenizer path: String, prefixSpace: Bool? = nil
  ) throws(CheckpointError) -> TokenizerDefinition {
    let root = TokenizerField(file: path, value: try CheckpointFile.json(path))
    let preTokenizer = try PreTokenizerReader.read(root["pre_tokenizer"], prefixSpace: prefixSpace)
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
