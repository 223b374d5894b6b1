extension TokenizerDefinition {
  /// The image that `Tokenizer` uses in place: about 24 bytes a merge, and the pieces with 11 bytes each besides.
  /// - Throws: `TokenizerError.invalidDefinition` or `.invalidPattern`; `.textGrew` or `.matchLimit` when the steps
  ///   make too much of an added token.
  package func compiled() throws(TokenizerError) -> [UInt8] {
    try validated()
    let merges = rankedMerges()
    let settings = try ImageSettings(self)
    let normalizer = try TextPipeline(translated: settings.normalizer)
    _ = try TextPipeline(translated: settings.preTokenizer)
    let contents = try soughtContents(normalizer)
    let vocabulary = try vocabularySections(contents)
    let tries = trieSections(contents)
    guard merges.count < Int32.max / 16 else { throw .invalidDefinition("there are \(merges.count) merges") }
    let mergeTable = try MergeTable.encode(merges)
    return try Self.assembled { section in
      switch section {
      case .settings: settings.encoded()
      case .pieceOffsets: vocabulary.offsets
      case .pieceBytes: vocabulary.bytes
      case .pieceFlags: vocabulary.flags
      case .pieceTable: vocabulary.table
      case .mergeTable: mergeTable
      case .byteIDs: byteIDSection()
      case .addedTokens: addedTokenSection()
      case .rawTrie: tries.raw
      case .normalizedTrie: tries.normalized
      }
    }
  }

  private static func assembled(_ body: (TokenizerImage.Section) -> [UInt8]) throws(TokenizerError) -> [UInt8] {
    typealias Image = TokenizerImage
    var header = Image.magic
    var sections: [UInt8] = []
    let headerBytes =
      (Image.magic.count + 8 * Image.Section.allCases.count + Image.alignment - 1)
      / Image.alignment * Image.alignment
    for section in Image.Section.allCases {
      let bytes = body(section)
      header.append(littleEndian: UInt32(truncatingIfNeeded: headerBytes + sections.count))
      header.append(littleEndian: UInt32(truncatingIfNeeded: bytes.count))
      sections += bytes
      sections += [UInt8](repeating: 0, count: (Image.alignment - sections.count % Image.alignment) % Image.alignment)
      guard sections.count < Int(Int32.max) else { throw .invalidDefinition("the tokenizer is larger than 2 GB") }
    }
    header += [UInt8](repeating: 0, count: headerBytes - header.count)
    return header + sections
  }

  /// Pieces by id, and by their bytes. Of equal pieces the model's own come first, then the last one of the vocabulary.
  private func vocabularySections(
    _ contents: [[UInt8]]
  ) throws(TokenizerError) -> (offsets: [UInt8], bytes: [UInt8], flags: [UInt8], table: [UInt8]) {
    var byID = [[UInt8]](repeating: [], count: idCount)
    var flags = [PieceFlags](repeating: [], count: idCount)
    for piece in pieces {
      byID[Int(piece.id)] = piece.bytes
      flags[Int(piece.id)] = piece.role == .text ? [.exists, .text] : .exists
    }
    for (token, content) in zip(addedTokens, contents) {
      let isKnown = flags[Int(token.id)].contains(.exists)
      // A normalised token reads as it was normalised. A single character stays what the model looks up.
      if !isKnown || (token.isNormalized && byID[Int(token.id)].count > 4) {
        byID[Int(token.id)] = kind == .byteLevelBPE ? Self.byteLevelPiece(content) : content
      }
      flags[Int(token.id)].formUnion(token.isSpecial ? [.exists, .special] : .exists)
    }
    let ids = byID.indices.reversed().filter { !byID[$0].isEmpty }
    let ordered = ids.filter { flags[$0].contains(.text) } + ids.filter { !flags[$0].contains(.text) }
    var offsets: [UInt8] = []
    var bytes: [UInt8] = []
    for piece in byID {
      offsets.append(littleEndian: UInt32(truncatingIfNeeded: bytes.count))
      bytes += piece
    }
    offsets.append(littleEndian: UInt32(truncatingIfNeeded: bytes.count))
    let table = try PieceTable.encode(ordered.map { (Int32($0), byID[$0]) })
    return (offsets, bytes, flags.map(\.rawValue), table)
  }

  /// The byte-level decoder's form of an added token's text.
  private static func byteLevelPiece(_ content: [UInt8]) -> [UInt8] {
    ByteAlphabet.decode(String(decoding: content, as: UTF8.self).unicodeScalars) ?? content
  }

  private func byteIDSection() -> [UInt8] {
    var ids = [Int32](repeating: -1, count: 256)
    for piece in pieces {
      switch piece.role {
      case .byte(let byte): ids[Int(byte)] = piece.id
      case .text where kind == .byteLevelBPE && piece.bytes.count == 1: ids[Int(piece.bytes[0])] = piece.id
      default: break
      }
    }
    var image: [UInt8] = []
    for id in ids { image.append(littleEndian: id) }
    return image
  }

  private func addedTokenSection() -> [UInt8] {
    var image: [UInt8] = []
    for token in addedTokens {
      var flags: AddedTokenFlags = []
      if token.isSpecial { flags.insert(.special) }
      if token.stripsLeft { flags.insert(.stripsLeft) }
      if token.stripsRight { flags.insert(.stripsRight) }
      if token.isSingleWord { flags.insert(.singleWord) }
      image.append(littleEndian: token.id)
      image.append(littleEndian: flags.rawValue)
    }
    return image
  }

  /// Bytes of text that the added tokens may have together. While their trie is made, a byte takes some 50.
  private static let maximumAddedBytes = 4 << 20

  /// The text to look for, for each added token.
  private func soughtContents(_ normalizer: TextPipeline) throws(TokenizerError) -> [[UInt8]] {
    let matcher = Matcher(textBytes: addedTokens.reduce(0) { $0 + $1.content.count })
    var contents: [[UInt8]] = []
    var total = 0
    for token in addedTokens {
      var text = token.content.withUnsafeBytes { PiecedText($0, startsText: true) }
      if token.isNormalized { try normalizer.run(&text, matcher: matcher) }
      total += text.bytes.count
      guard total <= Self.maximumAddedBytes else {
        throw .invalidDefinition(
          "the added tokens up to \(token.id) have \(total) bytes of text, at most \(Self.maximumAddedBytes) are taken")
      }
      contents.append(text.bytes)
    }
    return contents
  }

  /// Special tokens win over others of the same content, then the order of the definition decides.
  private func trieSections(_ contents: [[UInt8]]) -> (raw: [UInt8], normalized: [UInt8]) {
    let ordered =
      addedTokens.indices.filter { addedTokens[$0].isSpecial }
      + addedTokens.indices.filter { !addedTokens[$0].isSpecial }
    func trie(isNormalized: Bool) -> [UInt8] {
      AddedTokenTrie.encode(
        ordered.filter { addedTokens[$0].isNormalized == isNormalized }.map { (contents[$0], $0) })
    }
    return (trie(isNormalized: false), trie(isNormalized: true))
  }
}
