/// The compiled tokenizer: one flat, position-independent, little-endian block that is used where it lies.
///
///     offset 0   magic "DERATOK1"
///     offset 8   for each section in the order of `Section`: offset u32, bytes u32
///     then       the sections, each aligned to 16 bytes
///
/// Everything that is an index is checked once in `init`. Look-ups stay within their tables whatever is read: the image is
/// part of a mapped file, which somebody may overwrite while it is in use.
struct TokenizerImage: @unchecked Sendable {
  static let magic = Array("DERATOK1".utf8)
  static let alignment = 16
  /// Entries a vocabulary may have.
  static let maximumPieces = 1 << 24

  enum Section: Int, CaseIterable {
    /// `ImageSettings`.
    case settings
    /// `[pieces + 1]` u32: where each piece starts in `pieceBytes`.
    case pieceOffsets
    case pieceBytes
    /// `[pieces]` u8: `PieceFlags`.
    case pieceFlags
    /// Hash table (`PieceTable`): `[slots]` u32, id + 1, 0 for empty.
    case pieceTable
    /// Hash table (`MergeTable`): `[slots]` of left id, right id, rank, result id + 1 (0 for empty), each u32.
    case mergeTable
    /// `[256]` i32: the id of each byte, −1 for none.
    case byteIDs
    /// `[added tokens]` of id, flags, each u32.
    case addedTokens
    /// Tries over the contents looked for in raw and in normalised text.
    case rawTrie, normalizedTrie
  }

  let settings: ImageSettings
  let pieceOffsets: ImageTable
  let pieceBytes: ImageTable
  let pieceFlags: ImageTable
  let pieceTable: ImageTable
  let mergeTable: ImageTable
  let byteIDs: ImageTable
  let addedTokens: ImageTable
  let rawTrie: AddedTokenTrie
  let normalizedTrie: AddedTokenTrie

  var pieceCount: Int { pieceFlags.count }

  /// The bytes of a piece; empty for an id that is not below `pieceCount`.
  @inline(__always)
  func piece(_ id: Int) -> UnsafeRawBufferPointer {
    let end = min(Int(pieceOffsets.u32(id + 1, 0)), pieceBytes.count)
    let start = min(Int(pieceOffsets.u32(id, 0)), end)
    return UnsafeRawBufferPointer(rebasing: pieceBytes.bytes[start..<end])
  }

  @inline(__always)
  func flags(_ id: Int) -> PieceFlags { PieceFlags(rawValue: pieceFlags.u8(id, 0)) }

  /// - Throws: `TokenizerError.damagedImage`.
  init(_ image: UnsafeRawBufferPointer) throws(TokenizerError) {
    func table(_ section: Section, _ rowBytes: Int) throws(TokenizerError) -> ImageTable {
      try Self.table(of: section, in: image, rowBytes: rowBytes)
    }
    guard image.count >= Self.magic.count, image.prefix(Self.magic.count).elementsEqual(Self.magic) else {
      throw .damagedImage(offset: 0, found: "\(image.count) bytes of something else", expected: "a tokenizer image")
    }
    pieceOffsets = try table(.pieceOffsets, 4)
    pieceBytes = try table(.pieceBytes, 1)
    pieceFlags = try table(.pieceFlags, 1)
    pieceTable = try table(.pieceTable, 4)
    mergeTable = try table(.mergeTable, 16)
    byteIDs = try table(.byteIDs, 4)
    addedTokens = try table(.addedTokens, 8)
    rawTrie = AddedTokenTrie(nodes: try table(.rawTrie, AddedTokenTrie.nodeBytes))
    normalizedTrie = AddedTokenTrie(nodes: try table(.normalizedTrie, AddedTokenTrie.nodeBytes))
    var reader = ImageReader(try table(.settings, 1))
    settings = try ImageSettings(from: &reader)
    try validate()
  }

  private static func table(
    of section: Section, in image: UnsafeRawBufferPointer, rowBytes: Int
  ) throws(TokenizerError) -> ImageTable {
    let place = magic.count + 8 * section.rawValue
    guard place + 8 <= image.count else {
      throw .damagedImage(offset: place, found: "the end", expected: "the place of section \(section)")
    }
    let offset = Int(UInt32(littleEndian: image.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
    let count = Int(UInt32(littleEndian: image.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self)))
    guard offset + count <= image.count, count % rowBytes == 0 else {
      throw .damagedImage(
        offset: place, found: "section \(section) at \(offset), \(count) bytes",
        expected: "rows of \(rowBytes) bytes within \(image.count) bytes")
    }
    return ImageTable(
      bytes: UnsafeRawBufferPointer(rebasing: image[offset..<(offset + count)]), rowBytes: rowBytes, offset: offset)
  }

  private func validate() throws(TokenizerError) {
    let pieces = pieceCount
    guard pieces <= Self.maximumPieces, pieceOffsets.count == pieces + 1, byteIDs.count == 256 else {
      throw pieceOffsets.damaged(
        at: 0, "\(pieceOffsets.count) offsets and \(byteIDs.count) bytes", "\(pieces + 1) and 256")
    }
    var previous: UInt32 = 0
    for row in 0..<pieceOffsets.count {
      let offset = pieceOffsets.u32(row, 0)
      guard offset >= previous, Int(offset) <= pieceBytes.count else {
        throw pieceOffsets.damaged(at: row, "\(offset)", "\(previous)...\(pieceBytes.count)")
      }
      guard offset - previous <= TokenizerDefinition.maximumPieceBytes else {
        throw pieceOffsets.damaged(
          at: row, "a piece of \(offset - previous) bytes", "at most \(TokenizerDefinition.maximumPieceBytes)")
      }
      previous = offset
    }
    for row in 0..<256 where Int(byteIDs.i32(row, 0)) >= pieces || byteIDs.i32(row, 0) < -1 {
      throw byteIDs.damaged(at: row, "id \(byteIDs.i32(row, 0))", "−1..<\(pieces)")
    }
    for row in 0..<addedTokens.count where Int(addedTokens.u32(row, 0)) >= pieces {
      throw addedTokens.damaged(at: row, "id \(addedTokens.u32(row, 0))", "an id below \(pieces)")
    }
    try validateHashTables(pieces)
    try rawTrie.validate(tokens: addedTokens.count)
    try normalizedTrie.validate(tokens: addedTokens.count)
    try settings.validate(pieces: pieces)
  }

  /// Probing ends at an empty slot, so there must be one, and soon.
  private func validateHashTables(_ pieces: Int) throws(TokenizerError) {
    func check(_ table: ImageTable, _ what: String, _ entry: (Int) -> Int) throws(TokenizerError) {
      var probes = ProbeCounter()
      var hasEmpty = false
      for row in 0..<table.count {
        let entry = entry(row)
        guard entry <= pieces else { throw table.damaged(at: row, "id \(entry - 1)", "an id below \(pieces)") }
        probes.add(isUsed: entry != 0)
        hasEmpty = hasEmpty || entry == 0
      }
      probes.finish()
      guard hasEmpty, probes.longest <= maximumProbes else {
        throw table.damaged(at: 0, "\(probes.longest) used slots in a row of \(what)", "at most \(maximumProbes)")
      }
    }
    try check(pieceTable, "the vocabulary's hash table") { Int(pieceTable.u32($0, 0)) }
    try check(mergeTable, "the merges' hash table") { Int(mergeTable.u32($0, 12)) }
  }
}

/// The properties of a vocabulary entry.
struct PieceFlags: OptionSet {
  let rawValue: UInt8
  /// The id exists; ids between others may not.
  static let exists = PieceFlags(rawValue: 1)
  static let special = PieceFlags(rawValue: 2)
  /// The model may produce it from text.
  static let text = PieceFlags(rawValue: 4)
}

/// How an added token is looked for.
struct AddedTokenFlags: OptionSet {
  let rawValue: UInt32
  static let special = AddedTokenFlags(rawValue: 1)
  static let stripsLeft = AddedTokenFlags(rawValue: 2)
  static let stripsRight = AddedTokenFlags(rawValue: 4)
  static let singleWord = AddedTokenFlags(rawValue: 8)
}
