import DeRaTokenization

/// Small tokenizers for the tests of single parts.
enum Examples {
  static func definition(_ kind: TokenizerDefinition.Kind) -> TokenizerDefinition {
    kind == .byteLevelBPE ? byteLevel() : sentencePiece()
  }

  /// Byte-level: the printable ASCII characters and a few longer pieces.
  static func byteLevel(_ words: [String] = ["he", "ll", "hell", "hello", " t", " th", " the"]) -> TokenizerDefinition {
    var pieces = (0..<256).map { TokenizerDefinition.Piece(id: Int32($0), bytes: [UInt8($0)]) }
    var merges: [TokenizerDefinition.Merge] = []
    for word in words {
      let bytes = Array(word.utf8)
      let id = Int32(pieces.count)
      pieces.append(TokenizerDefinition.Piece(id: id, bytes: bytes))
      for cut in 1..<bytes.count {
        let left = pieces.first { $0.bytes == Array(bytes[..<cut]) }
        let right = pieces.first { $0.bytes == Array(bytes[cut...]) }
        if let left, let right {
          merges.append(TokenizerDefinition.Merge(left: left.id, right: right.id, result: id))
        }
      }
    }
    var definition = TokenizerDefinition(kind: .byteLevelBPE, pieces: pieces, merges: .ranked(merges))
    definition.preTokenizer = TextStep.byteLevel(addPrefixSpace: false, usesRegex: true)
    return definition
  }

  /// SentencePiece: byte tokens at 3…258, then letters and a few words.
  static func sentencePiece() -> TokenizerDefinition {
    let reserved = ["<unk>", "<s>", "</s>"]
    var pieces = reserved.enumerated().map {
      TokenizerDefinition.Piece(id: Int32($0), bytes: Array($1.utf8), role: .reserved)
    }
    let digits = Array("0123456789ABCDEF".utf8)
    for byte in 0..<256 {
      let spelling = Array("<0x".utf8) + [digits[byte >> 4], digits[byte & 15]] + Array(">".utf8)
      pieces.append(TokenizerDefinition.Piece(id: Int32(3 + byte), bytes: spelling, role: .byte(UInt8(byte))))
    }
    for word in ["▁", "a", "b", "c", "▁a", "ab", "▁ab", "é"] {
      pieces.append(TokenizerDefinition.Piece(id: Int32(pieces.count), bytes: Array(word.utf8)))
    }
    var definition = TokenizerDefinition(
      kind: .sentencePieceBPE, pieces: pieces, merges: .scored(pieces.map { -Float($0.id) }))
    definition.normalizer = [
      .replaced(.literal([0x20]), with: Array("▁".utf8)),
      .prefixed(Array("▁".utf8), unlessPresent: false, firstOnly: true),
    ]
    definition.decoder.steps = [.replaced(Array("▁".utf8), with: [0x20])]
    definition.decoder.joinsBytes = true
    definition.decoder.strippedUnit = [0x20]
    definition.decoder.strippedAtStart = 1
    definition.fallsBackToBytes = true
    definition.unknownID = 0
    definition.bosID = 1
    definition.eosID = 2
    definition.prefixIDs = [1]
    definition.addedTokens = [
      TokenizerDefinition.AddedToken(id: 1, content: Array("<s>".utf8), isSpecial: true),
      TokenizerDefinition.AddedToken(id: 2, content: Array("</s>".utf8), isSpecial: true),
    ]
    return definition
  }
}
