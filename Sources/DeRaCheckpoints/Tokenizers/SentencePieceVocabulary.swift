import DeRaTokenization

/// A SentencePiece BPE vocabulary, whether from `tokenizer.model` or from a GGUF file.
struct SentencePieceVocabulary {
  /// The numbering is the same in both formats.
  enum EntryType: Int {
    case normal = 1
    case unknown, control, userDefined, unused, byte
  }

  struct Entry {
    var bytes: [UInt8]
    var score: Float
    var type: EntryType
  }

  /// U+2581, which stands for a space.
  static let space: [UInt8] = [0xE2, 0x96, 0x81]

  let path: String
  var entries: [Entry]
  var unknownID: Int32?
  var bosID: Int32?
  var eosID: Int32?
  var padID: Int32?
  var addsBOS = true
  var addsEOS = false
  var addsSpacePrefix = true
  /// A text that starts with a space gets none before it.
  var prefixesOnlyWords = false
  /// The space also stands before text that follows a special token.
  var prefixesEveryStretch = false
  var removesExtraSpaces = false
  var fallsBackToBytes = true

  /// - Throws: `CheckpointError` for byte pieces that spell no byte.
  func definition() throws(CheckpointError) -> TokenizerDefinition {
    var pieces: [TokenizerDefinition.Piece] = []
    pieces.reserveCapacity(entries.count)
    var added: [TokenizerDefinition.AddedToken] = []
    for (index, entry) in entries.enumerated() {
      let id = Int32(truncatingIfNeeded: index)
      pieces.append(TokenizerDefinition.Piece(id: id, bytes: entry.bytes, role: try role(of: entry, index)))
      if entry.type == .control || entry.type == .userDefined, !entry.bytes.isEmpty {
        added.append(
          TokenizerDefinition.AddedToken(id: id, content: entry.bytes, isSpecial: entry.type == .control))
      }
    }
    var definition = TokenizerDefinition(
      kind: .sentencePieceBPE, pieces: pieces, merges: .scored(entries.map(\.score)))
    definition.addedTokens = added
    definition.normalizer = normalizer
    definition.decoder.steps = [.replaced(Self.space, with: [0x20])]
    definition.decoder.joinsBytes = fallsBackToBytes
    if addsSpacePrefix || removesExtraSpaces {
      definition.decoder.strippedUnit = [0x20]
      definition.decoder.strippedAtStart = removesExtraSpaces ? .max : 1
    }
    definition.fallsBackToBytes = fallsBackToBytes
    definition.fusesUnknown = true
    definition.unknownID = unknownID
    definition.bosID = bosID
    definition.eosID = eosID
    definition.padID = padID
    definition.prefixIDs = addsBOS ? [bosID].compactMap(\.self) : []
    definition.suffixIDs = addsEOS ? [eosID].compactMap(\.self) : []
    return definition
  }

  private var normalizer: [TextStep] {
    var steps: [TextStep] = []
    if removesExtraSpaces { steps.append(.replaced(.regex(#"\A +| +\z| +(?= )"#), with: [])) }
    steps.append(.replaced(.literal([0x20]), with: Self.space))
    if removesExtraSpaces { steps.append(.replaced(.regex("\u{2581}+\\z"), with: [])) }
    if addsSpacePrefix {
      steps.append(.prefixed(Self.space, unlessPresent: prefixesOnlyWords, firstOnly: !prefixesEveryStretch))
    }
    return steps
  }

  private func role(of entry: Entry, _ index: Int) throws(CheckpointError) -> TokenizerDefinition.Role {
    switch entry.type {
    case .normal, .userDefined: return .text
    case .unknown, .control, .unused: return .reserved
    case .byte:
      guard let byte = ByteToken.value(of: String(decoding: entry.bytes, as: UTF8.self)) else {
        throw CheckpointError(
          path: path, subject: "token \(index)", problem: "a byte token spelled in another way", expected: "<0x0A>")
      }
      return .byte(byte)
    }
  }
}
