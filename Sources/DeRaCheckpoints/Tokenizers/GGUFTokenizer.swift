import DeRaGGUF
import DeRaModelSpec
import DeRaTokenization

/// Reads the tokenizer in the metadata of a GGUF model.
package enum GGUFTokenizer {
  private static let key = "tokenizer.ggml."

  /// Nil when the file has no tokenizer.
  /// - Throws: `CheckpointError` naming the metadata key.
  package static func read(_ file: GGUFFile) throws(CheckpointError) -> TokenizerDefinition? {
    var remarks: [CheckpointRemark] = []
    return try read(file, remarks: &remarks)
  }

  /// The file's tokenizer; nil when it has none.
  /// - Parameter remarks: gets what was guessed, as sentences for the user.
  static func read(_ file: GGUFFile, remarks: inout [CheckpointRemark]) throws(CheckpointError) -> TokenizerDefinition?
  {
    do {
      guard let model = try file.stringIfPresent(key + "model") else { return nil }
      let reader = try GGUFVocabulary(file)
      switch model {
      case "gpt2": return try reader.byteLevel(remarks: &remarks)
      case "llama": return try reader.sentencePiece()
      default:
        throw CheckpointError(
          path: file.path, subject: key + "model", problem: "the tokenizer “\(model)” is not supported",
          expected: "gpt2 (byte-level BPE) or llama (SentencePiece BPE)",
          remedy: "Use a model of a supported family.")
      }
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw CheckpointError(path: file.path, problem: "\(error)")
    }
  }
}

/// The tokenizer's metadata with everything that both kinds need.
private struct GGUFVocabulary {
  let file: GGUFFile
  let tokens: GGUFArray
  /// One for each token, or empty.
  let types: [Int]

  init(_ file: GGUFFile) throws {
    self.file = file
    tokens = try file.array("tokenizer.ggml.tokens", of: .string)
    types = try Self.types(file)
    guard types.isEmpty || types.count == tokens.count else {
      throw Self.error(file, "token_type", "\(types.count) types for \(tokens.count) tokens")
    }
  }

  private static func types(_ file: GGUFFile) throws -> [Int] {
    guard let value = file["tokenizer.ggml.token_type"] else { return [] }
    guard case .array(let array) = value, let types = array.integers else {
      throw error(file, "token_type", "no array of integers")
    }
    return types
  }

  private static func error(_ file: GGUFFile, _ key: String, _ problem: String) -> CheckpointError {
    CheckpointError(
      path: file.path, subject: "tokenizer.ggml.\(key)", problem: problem,
      remedy: "Convert the model to GGUF again with a current converter.")
  }

  private func error(_ key: String, _ problem: String) -> CheckpointError { Self.error(file, key, problem) }

  private func type(_ index: Int) throws -> SentencePieceVocabulary.EntryType {
    guard !types.isEmpty else { return .normal }
    guard let type = SentencePieceVocabulary.EntryType(rawValue: types[index]) else {
      throw error("token_type", "the token \(index) has the type \(types[index])")
    }
    return type
  }

  /// An id by one of its names; −1 and absence mean none.
  private func id(_ names: String...) throws -> Int32? {
    for name in names {
      guard let value = try file.intIfPresent("tokenizer.ggml.\(name)_token_id"), value >= 0, value != UInt32.max
      else { continue }
      // The model's reader remarks on those outside.
      if value < tokens.count { return Int32(value) }
    }
    return nil
  }

  /// The name of the split, with a remark where it is a guess.
  private func splitName(_ remarks: inout [CheckpointRemark]) throws -> String {
    if let name = try file.stringIfPresent("tokenizer.ggml.pre") { return name }
    let known = GGUFPreTokenizer.name { id in
      guard id < tokens.count else { return nil }
      var token: String?
      tokens.forEachString { index, bytes in
        if index == id { token = String(decoding: bytes, as: UTF8.self) }
      }
      return token
    }
    let problem = "the file does not say how words are split (tokenizer.ggml.pre is missing)"
    remarks.append(
      known.map { CheckpointRemark(.guessed, "\(problem); by its vocabulary they are split as “\($0)”") }
        ?? CheckpointRemark(
          .warning,
          "\(problem) and its vocabulary is of no known family; they are split as llama.cpp's “default”, which may be "
            + "wrong and then makes answers worse: convert the model to GGUF again with a current converter"))
    return known ?? GGUFPreTokenizer.unnamed
  }

  func byteLevel(remarks: inout [CheckpointRemark]) throws -> TokenizerDefinition {
    let name = try splitName(&remarks)
    guard let preTokenizer = GGUFPreTokenizer.named(name) else {
      throw CheckpointError(
        path: file.path, subject: "tokenizer.ggml.pre", problem: "the pre-tokenizer “\(name)” is not supported",
        expected: "one of " + GGUFPreTokenizer.all.flatMap(\.names).joined(separator: ", "))
    }
    var ids: [[UInt8]: Int32] = [:]
    ids.reserveCapacity(tokens.count)
    var pieces: [TokenizerDefinition.Piece] = []
    var added: [TokenizerDefinition.AddedToken] = []
    try tokens.forEachString { index, raw in
      let bytes = Array(raw)
      let id = Int32(index)
      ids[bytes] = id
      let type = try type(index)
      let decoded = type == .unused ? nil : ByteAlphabet.decode(String(decoding: bytes, as: UTF8.self).unicodeScalars)
      let isText = decoded != nil && type != .control && type != .userDefined
      pieces.append(TokenizerDefinition.Piece(id: id, bytes: decoded ?? bytes, role: isText ? .text : .reserved))
      if type == .control || type == .userDefined, !bytes.isEmpty {
        added.append(TokenizerDefinition.AddedToken(id: id, content: bytes, isSpecial: type == .control))
      }
    }
    var definition = TokenizerDefinition(kind: .byteLevelBPE, pieces: pieces, merges: .ranked(try merges(ids)))
    definition.addedTokens = added
    definition.normalizer = preTokenizer.normalizer
    definition.preTokenizer = preTokenizer.steps
    definition.ignoresMerges = preTokenizer.ignoresMerges
    try setIDs(&definition, addsBOS: preTokenizer.addsBOS)
    return definition
  }

  private func setIDs(_ definition: inout TokenizerDefinition, addsBOS: Bool) throws {
    let unknownID = try id("unknown")
    // A byte without a piece is left out of byte-level ids, whatever token the file calls unknown.
    definition.unknownID = definition.kind == .byteLevelBPE ? nil : unknownID
    definition.bosID = try id("bos")
    definition.eosID = try id("eos")
    definition.padID = try id("padding")
    for id in [unknownID, definition.bosID, definition.eosID, definition.padID] { definition.recognize(id, in: tokens) }
    if try file.boolIfPresent("tokenizer.ggml.add_bos_token") ?? addsBOS {
      definition.prefixIDs = [definition.bosID].compactMap(\.self)
    }
    if try file.boolIfPresent("tokenizer.ggml.add_eos_token") ?? false {
      definition.suffixIDs = [definition.eosID].compactMap(\.self)
    }
  }

  private func merges(_ ids: [[UInt8]: Int32]) throws -> [TokenizerDefinition.Merge] {
    var merges: [TokenizerDefinition.Merge] = []
    try file.array("tokenizer.ggml.merges", of: .string).forEachString { rank, raw in
      // The first byte may itself be a space in vocabularies that do not spell it otherwise.
      guard let cut = raw.dropFirst().firstIndex(of: 0x20) else {
        throw error("merges", "merge \(rank) is not two pieces")
      }
      let left = Array(raw[..<cut])
      let right = Array(raw[(cut + 1)...])
      guard let leftID = ids[left], let rightID = ids[right], let result = ids[left + right] else {
        throw error("merges", "merge \(rank) names a piece that the vocabulary does not have")
      }
      merges.append(TokenizerDefinition.Merge(left: leftID, right: rightID, result: result))
    }
    return merges
  }

  func sentencePiece() throws -> TokenizerDefinition {
    guard let scores = try file.array("tokenizer.ggml.scores", of: .float32).float32s, scores.count == tokens.count
    else { throw error("scores", "not one score for each of \(tokens.count) tokens") }
    let family = try file.stringIfPresent("general.architecture").flatMap(Architecture.named)
    var entries: [SentencePieceVocabulary.Entry] = []
    entries.reserveCapacity(tokens.count)
    try tokens.forEachString { index, raw in
      var entry = SentencePieceVocabulary.Entry(bytes: Array(raw), score: scores[index], type: try type(index))
      if family?.gguf.ranksMergesByID ?? false { Self.respell(&entry, index) }
      entries.append(entry)
    }
    var vocabulary = SentencePieceVocabulary(path: file.path, entries: entries)
    vocabulary.addsSpacePrefix = try file.boolIfPresent("tokenizer.ggml.add_space_prefix") ?? true
    // As transformers 5 does; llama.cpp and SentencePiece put a space before any text.
    vocabulary.prefixesOnlyWords = true
    vocabulary.fallsBackToBytes = entries.contains { $0.type == .byte }
    var definition = try vocabulary.definition()
    try setIDs(&definition, addsBOS: true)
    return definition
  }

  /// Takes the rank from the id, and spells runs of spaces as in the model's own vocabulary, as pieces of U+2581.
  private static func respell(_ entry: inout SentencePieceVocabulary.Entry, _ index: Int) {
    entry.score = -Float(index)
    if entry.bytes.allSatisfy({ $0 == 0x20 }) {
      entry.type = .normal
      entry.bytes = Array(repeatElement(SentencePieceVocabulary.space, count: entry.bytes.count).joined())
    }
  }
}

extension TokenizerDefinition {
  /// A token with a role of its own is recognised in text, whatever type the file gives it.
  fileprivate mutating func recognize(_ id: Int32?, in tokens: GGUFArray) {
    guard let id, !addedTokens.contains(where: { $0.id == id }) else { return }
    tokens.forEachString { index, bytes in
      if index == Int(id), !bytes.isEmpty {
        addedTokens.append(AddedToken(id: id, content: Array(bytes), isSpecial: true))
      }
    }
  }
}
