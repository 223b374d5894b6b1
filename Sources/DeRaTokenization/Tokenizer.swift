/// Text to token ids and back, straight from a compiled image.
///
/// Immutable: one tokenizer serves any number of threads.
package final class Tokenizer: Sendable {
  let image: TokenizerImage
  let normalizer: TextPipeline
  let preTokenizer: TextPipeline
  private let owner: (any AnyObject & Sendable)?

  /// Bytes of text that one call takes.
  package static let maximumTextBytes = 1 << 28

  /// Checks the whole image and uses it where it lies.
  /// - Parameters:
  ///   - image: the result of `TokenizerDefinition.compiled()`. It must stay in place as long as the tokenizer lives.
  ///   - owner: kept alive with the tokenizer, for instance the mapping of the file.
  /// - Throws: `TokenizerError.damagedImage`, or `.invalidPattern`.
  package init(image bytes: UnsafeRawBufferPointer, owner: (any AnyObject & Sendable)?) throws(TokenizerError) {
    image = try TokenizerImage(bytes)
    normalizer = try TextPipeline(translated: image.settings.normalizer)
    preTokenizer = try TextPipeline(translated: image.settings.preTokenizer)
    self.owner = owner
  }

  /// A tokenizer that owns a copy of its image.
  /// - Throws: as the other initialiser.
  package convenience init(image: [UInt8]) throws(TokenizerError) {
    let storage = ImageStorage(image)
    try self.init(image: storage.bytes, owner: storage)
  }

  /// The highest id + 1.
  package var vocabularySize: Int { image.pieceCount }
  package var unknownID: Int32? { named(0) }
  package var bosID: Int32? { named(1) }
  package var eosID: Int32? { named(2) }
  package var padID: Int32? { named(3) }
  /// Ids that `addSpecial` puts before and after a text.
  package var prefixIDs: [Int32] { image.settings.prefixIDs }
  package var suffixIDs: [Int32] { image.settings.suffixIDs }

  /// The text of the special tokens that there are, by the names that chat templates have for them.
  package var specialTokens: [String: String] {
    [("bos_token", bosID), ("eos_token", eosID), ("unk_token", unknownID), ("pad_token", padID)].reduce(into: [:]) {
      if let id = $1.1 { $0[$1.0] = String(decoding: piece(of: id), as: UTF8.self) }
    }
  }

  private func named(_ index: Int) -> Int32? {
    let id = image.settings.namedIDs[index]
    return id < 0 ? nil : id
  }

  /// The id of a token given as it appears in text (`<|im_end|>`) or as the vocabulary stores it.
  package func id(of piece: [UInt8]) -> Int32? {
    addedID(of: piece) ?? piece.withUnsafeBytes { PieceTable.find($0, in: image) }
  }

  /// The id of an added token, which is recognised in text before the model sees it.
  package func addedID(of content: [UInt8]) -> Int32? {
    added(content, image.rawTrie) ?? added(normalized(content), image.normalizedTrie)
  }

  private func added(_ piece: [UInt8], _ trie: AddedTokenTrie) -> Int32? {
    piece.withUnsafeBytes { bytes in
      guard let match = trie.longestMatch(in: bytes, at: 0), match.end == bytes.count else { return nil }
      return image.addedTokens.i32(match.index, 0)
    }
  }

  func normalized(_ piece: [UInt8]) -> [UInt8] {
    guard image.normalizedTrie.nodes.count > 0, piece.withUnsafeBytes(UTF8Text.isValid) else { return piece }
    var text = piece.withUnsafeBytes { PiecedText($0, startsText: true) }
    // A piece that takes too much work to normalise is no token.
    return (try? normalizer.run(&text, matcher: Matcher(textBytes: piece.count))) == nil ? piece : text.bytes
  }

  /// The id of a piece given as a string.
  package func id(of piece: String) -> Int32? { id(of: Array(piece.utf8)) }

  /// The text of an id: bytes for byte-level models, the vocabulary's spelling otherwise. Empty for ids
  /// that do not exist.
  package func piece(of id: Int32) -> [UInt8] { exists(id) ? Array(image.piece(Int(id))) : [] }

  /// The lowest id from `limit` on that a text may become; nil where a model of so many ids knows them all.
  package func firstID(from limit: Int) -> Int32? {
    let added = (0..<image.addedTokens.count).map { image.addedTokens.i32($0, 0) }
    let bytes = (0..<256).map { image.byteIDs.i32($0, 0) }
    let pieces = (min(limit, image.pieceCount)..<image.pieceCount).first { image.flags($0).contains(.text) }
    // With a type, because Swift 6.2 gives up on the sum.
    let all: [[Int32]] = [added, bytes, prefixIDs, suffixIDs, pieces.map { [Int32($0)] } ?? []]
    return all.joined().filter { Int($0) >= limit }.min()
  }

  /// Whether the id marks structure rather than text.
  package func isSpecial(_ id: Int32) -> Bool { exists(id) && image.flags(Int(id)).contains(.special) }

  func exists(_ id: Int32) -> Bool {
    id >= 0 && Int(id) < image.pieceCount && image.flags(Int(id)).contains(.exists)
  }
}

/// Memory for an image that is not part of a mapped file.
private final class ImageStorage: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  init(_ image: [UInt8]) {
    let copy = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(image.count, 1), alignment: TokenizerImage.alignment)
    copy.copyBytes(from: image)
    bytes = UnsafeRawBufferPointer(rebasing: copy[..<image.count])
  }

  deinit { bytes.deallocate() }
}
