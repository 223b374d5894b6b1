extension Tokenizer {
  /// The ids of a text.
  /// - Parameters:
  ///   - text: UTF-8; ill-formed sequences count as U+FFFD.
  ///   - addSpecial: whether to put the model's own prefix and suffix (begin of sequence, …) around the ids.
  ///   - parseSpecial: whether special tokens spelled out in the text are recognised.
  /// - Throws: `TokenizerError.textTooLong`, `.textGrew` or `.matchLimit`.
  package func encode(
    _ text: UnsafeRawBufferPointer, addSpecial: Bool, parseSpecial: Bool = true
  ) throws(TokenizerError) -> [Int32] {
    guard text.count <= Self.maximumTextBytes else {
      throw .textTooLong(bytes: text.count, limit: Self.maximumTextBytes)
    }
    var run = EncodingRun(tokenizer: self, parsesSpecial: parseSpecial)
    if addSpecial { run.ids += prefixIDs }
    if UTF8Text.isValid(text) {
      try run.encode(text)
    } else {
      var repaired: [UInt8] = []
      UTF8Text.appendRepaired(text, to: &repaired)
      try repaired.withRawBytes { bytes throws(TokenizerError) in try run.encode(bytes) }
    }
    if addSpecial { run.ids += suffixIDs }
    return run.ids
  }

  /// As above, for a string.
  /// - Throws: `TokenizerError.textTooLong`, `.textGrew` or `.matchLimit`.
  package func encode(
    _ text: String, addSpecial: Bool, parseSpecial: Bool = true
  ) throws(TokenizerError) -> [Int32] {
    try Array(text.utf8).withRawBytes { bytes throws(TokenizerError) in
      try encode(bytes, addSpecial: addSpecial, parseSpecial: parseSpecial)
    }
  }
}

/// One call of `encode`: its scratch memory and its result.
private struct EncodingRun {
  let tokenizer: Tokenizer
  let parsesSpecial: Bool
  let matcher = Matcher()
  var merger = WordMerger()
  var ids: [Int32] = []
  /// Bytes that the steps may still make of this call's text: a limit for each segment would let many of them add up.
  private var room = 0

  init(tokenizer: Tokenizer, parsesSpecial: Bool) {
    self.tokenizer = tokenizer
    self.parsesSpecial = parsesSpecial
  }

  /// Added tokens of the raw text first, then normalisation, then added tokens of the normalised text, then the model.
  mutating func encode(_ text: UnsafeRawBufferPointer) throws(TokenizerError) {
    room = TextPipeline.limit(of: text.count)
    for segment in segments(of: text, tokenizer.image.rawTrie) {
      guard segment.id == nil else {
        ids.append(segment.id ?? 0)
        continue
      }
      var piece = PiecedText(
        UnsafeRawBufferPointer(rebasing: text[segment.range]), startsText: segment.range.lowerBound == 0)
      piece.limit = room
      try tokenizer.normalizer.run(&piece, matcher: matcher)
      room -= piece.bytes.count
      try encodeNormalized(piece)
    }
  }

  private mutating func encodeNormalized(_ text: PiecedText) throws(TokenizerError) {
    guard let whole = text.pieces.first else { return }
    guard tokenizer.image.normalizedTrie.nodes.count > 0 else { return try encodeWords(of: text) }
    try text.bytes.withRawBytes { buffer throws(TokenizerError) in
      let bytes = UnsafeRawBufferPointer(rebasing: buffer[whole.range])
      for segment in segments(of: bytes, tokenizer.image.normalizedTrie) {
        if let id = segment.id {
          ids.append(id)
        } else {
          let starts = whole.startsText && segment.range.lowerBound == 0
          try encodeWords(
            of: PiecedText(UnsafeRawBufferPointer(rebasing: bytes[segment.range]), startsText: starts))
        }
      }
    }
  }

  private mutating func encodeWords(of text: PiecedText) throws(TokenizerError) {
    var text = text
    text.limit = room + text.bytes.count
    try tokenizer.preTokenizer.run(&text, matcher: matcher)
    room = text.limit - text.bytes.count
    text.bytes.withUnsafeBytes { bytes in
      for piece in text.pieces {
        merger.append(UnsafeRawBufferPointer(rebasing: bytes[piece.range]), image: tokenizer.image, to: &ids)
      }
    }
  }

  private struct Segment {
    var range: Range<Int>
    var id: Int32?
  }

  /// Cuts text at the added tokens: leftmost first, of several the longest.
  private func segments(of text: UnsafeRawBufferPointer, _ trie: AddedTokenTrie) -> [Segment] {
    var segments: [Segment] = []
    var covered = 0
    var position = 0
    while position < text.count {
      guard let match = trie.longestMatch(in: text, at: position) else {
        position += 1
        continue
      }
      let start = position
      position = match.end
      let flags = AddedTokenFlags(rawValue: tokenizer.image.addedTokens.u32(match.index, 4))
      if flags.contains(.special) && !parsesSpecial { continue }
      if flags.contains(.singleWord) && !isWord(start..<match.end, in: text) { continue }
      var range = start..<match.end
      if flags.contains(.stripsLeft) {
        range = max(WhiteSpace.start(in: text, from: 0, to: start), min(covered, start))..<range.upperBound
      }
      if flags.contains(.stripsRight) {
        range = range.lowerBound..<WhiteSpace.end(in: text, from: range.upperBound, to: text.count)
      }
      if covered < range.lowerBound { segments.append(Segment(range: covered..<range.lowerBound)) }
      segments.append(Segment(range: range, id: tokenizer.image.addedTokens.i32(match.index, 0)))
      covered = range.upperBound
    }
    if covered < text.count { segments.append(Segment(range: covered..<text.count)) }
    return segments
  }

  private func isWord(_ range: Range<Int>, in text: UnsafeRawBufferPointer) -> Bool {
    let before = WhiteSpace.scalar(in: text, before: range.lowerBound, limit: 0)
    let after = WhiteSpace.scalar(in: text, at: range.upperBound, limit: text.count)
    return !(before.map { WhiteSpace.isWord($0.scalar) } ?? false)
      && !(after.map { WhiteSpace.isWord($0.scalar) } ?? false)
  }
}
