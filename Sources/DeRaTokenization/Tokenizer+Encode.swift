extension Tokenizer {
  /// The ids of a text.
  /// - Parameters:
  ///   - text: UTF-8; ill-formed sequences count as U+FFFD.
  ///   - addSpecial: whether to put the model's own prefix and suffix (begin of sequence, …) around the ids.
  ///   - parseSpecial: whether special tokens spelled out in the text are recognised.
  /// - Throws: `TokenizerError.textTooLong`, `.textGrew`, `.matchLimit` or `.workLimit`.
  package func encode(
    _ text: UnsafeRawBufferPointer, addSpecial: Bool, parseSpecial: Bool = true
  ) throws(TokenizerError) -> [Int32] {
    if UTF8Text.isValid(text) {
      return try encode(valid: text, addSpecial: addSpecial, parseSpecial: parseSpecial, content: [])
    }
    try requireLength(text.count)
    var repaired: [UInt8] = []
    UTF8Text.appendRepaired(text, to: &repaired)
    return try repaired.withRawBytes { bytes throws(TokenizerError) in
      try encode(valid: bytes, addSpecial: addSpecial, parseSpecial: parseSpecial, content: [])
    }
  }

  private func requireLength(_ bytes: Int) throws(TokenizerError) {
    guard bytes <= Self.maximumTextBytes else { throw .textTooLong(bytes: bytes, limit: Self.maximumTextBytes) }
  }

  private func encode(
    valid text: UnsafeRawBufferPointer, addSpecial: Bool, parseSpecial: Bool, content: [Range<Int>]
  ) throws(TokenizerError) -> [Int32] {
    try requireLength(text.count)
    var run = EncodingRun(tokenizer: self, parsesSpecial: parseSpecial, content: content, textBytes: text.count)
    if addSpecial { run.ids += prefixIDs }
    try run.encode(text)
    if addSpecial { run.ids += suffixIDs }
    return run.ids
  }

  /// The ids of a string.
  /// - Parameter content: ranges of its UTF-8 bytes, ascending. A special token is recognised only where no character of it
  ///   lies in them; everything else about the ids is as without them.
  /// - Throws: `TokenizerError.textTooLong`, `.textGrew`, `.matchLimit` or `.workLimit`.
  package func encode(
    _ text: String, addSpecial: Bool, parseSpecial: Bool = true, content: [Range<Int>] = []
  ) throws(TokenizerError) -> [Int32] {
    try Array(text.utf8).withRawBytes { bytes throws(TokenizerError) in
      try encode(valid: bytes, addSpecial: addSpecial, parseSpecial: parseSpecial, content: content)
    }
  }
}

/// One call of `encode`: its scratch memory and its result.
private struct EncodingRun {
  let tokenizer: Tokenizer
  let parsesSpecial: Bool
  let content: ContentRanges
  let matcher: Matcher
  var merger = WordMerger()
  var ids: [Int32] = []
  /// Bytes that the steps may still make of this call's text: a limit for each segment would let many of them add up.
  private var room = 0

  init(tokenizer: Tokenizer, parsesSpecial: Bool, content: [Range<Int>], textBytes: Int) {
    self.tokenizer = tokenizer
    self.parsesSpecial = parsesSpecial
    self.content = ContentRanges(content)
    matcher = Matcher(textBytes: textBytes)
  }

  /// Added tokens of the raw text first, then normalisation, then added tokens of the normalised text, then the model.
  mutating func encode(_ text: UnsafeRawBufferPointer) throws(TokenizerError) {
    room = TextPipeline.limit(of: text.count)
    for segment in try segments(of: text, tokenizer.image.rawTrie, content) {
      guard segment.id == nil else {
        ids.append(segment.id ?? 0)
        continue
      }
      var piece = PiecedText(
        UnsafeRawBufferPointer(rebasing: text[segment.range]), startsText: segment.range.lowerBound == 0)
      piece.limit = room
      try tokenizer.normalizer.run(&piece, matcher: matcher)
      room -= piece.bytes.count
      guard tokenizer.image.normalizedTrie.nodes.count > 0 else {
        try encodeWords(of: piece)
        continue
      }
      try encodeNormalized(piece, try normalizedContent(text, segment.range, piece))
    }
  }

  /// Where the content of a stretch of the text is once that is normalised.
  ///
  /// Its runs are normalised one by one. Where that is not what the whole becomes, a step looked across their borders; then
  /// all of it counts as content if some content alone has a special token, and none of it otherwise.
  private func normalizedContent(
    _ text: UnsafeRawBufferPointer, _ range: Range<Int>, _ whole: PiecedText
  ) throws(TokenizerError) -> ContentRanges {
    guard content.relation(of: range) != .outside else { return ContentRanges() }
    var bytes: [UInt8] = []
    var ranges: [Range<Int>] = []
    var hasSpecial = false
    for run in content.runs(in: range) {
      let continues = run.range.lowerBound > range.lowerBound
      var piece = PiecedText(UnsafeRawBufferPointer(rebasing: text[run.range]), startsText: run.range.lowerBound == 0)
      try tokenizer.normalizer.run(&piece, matcher: matcher, continues: continues)
      let normalized = piece.pieces.first.map { Array(piece.bytes[$0.range]) } ?? []
      if run.isContent {
        ranges.append(bytes.count..<(bytes.count + normalized.count))
        if try hasSpecialToken(normalized) { hasSpecial = true }
      }
      bytes += normalized
    }
    if whole.pieces.first.map({ whole.bytes[$0.range] == bytes[...] }) ?? bytes.isEmpty { return ContentRanges(ranges) }
    return ContentRanges(hasSpecial ? [0..<whole.bytes.count] : [])
  }

  private func hasSpecialToken(_ normalized: [UInt8]) throws(TokenizerError) -> Bool {
    try normalized.withRawBytes { bytes throws(TokenizerError) in
      try segments(of: bytes, tokenizer.image.normalizedTrie, ContentRanges()).contains {
        $0.id.map(tokenizer.isSpecial) ?? false
      }
    }
  }

  private mutating func encodeNormalized(_ text: PiecedText, _ content: ContentRanges) throws(TokenizerError) {
    guard let whole = text.pieces.first else { return }
    try text.bytes.withRawBytes { buffer throws(TokenizerError) in
      let bytes = UnsafeRawBufferPointer(rebasing: buffer[whole.range])
      for segment in try segments(of: bytes, tokenizer.image.normalizedTrie, content) {
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
  private func segments(
    of text: UnsafeRawBufferPointer, _ trie: AddedTokenTrie, _ content: ContentRanges
  ) throws(TokenizerError) -> [Segment] {
    guard trie.nodes.count > 0 else { return text.isEmpty ? [] : [Segment(range: 0..<text.count)] }
    var segments: [Segment] = []
    var covered = 0
    var position = 0
    var spaces = 0..<0
    while position < text.count {
      if position & 63 == 0, matcher.budget.isExhausted() { throw .workLimit }
      guard let match = trie.longestMatch(in: text, at: position) else {
        position += 1
        continue
      }
      let start = position
      position = match.end
      let flags = AddedTokenFlags(rawValue: tokenizer.image.addedTokens.u32(match.index, 4))
      if flags.contains(.special) {
        if !parsesSpecial { continue }
        switch content.relation(of: start..<match.end) {
        case .outside: break
        case .inside: continue
        case .touching:
          // What the template itself wrote may start within the match.
          position = start + 1
          continue
        }
      }
      if flags.contains(.singleWord) && !isWord(start..<match.end, in: text) { continue }
      let range = Self.widened(start..<match.end, flags, in: text, from: covered, &spaces)
      if covered < range.lowerBound { segments.append(Segment(range: covered..<range.lowerBound)) }
      segments.append(Segment(range: range, id: tokenizer.image.addedTokens.i32(match.index, 0)))
      covered = range.upperBound
    }
    if covered < text.count { segments.append(Segment(range: covered..<text.count)) }
    return segments
  }

  /// The range of an added token with the white space that it takes along.
  /// - Parameter spaces: white space that was measured last; further tokens may lie in it, and it is measured once.
  private static func widened(
    _ range: Range<Int>, _ flags: AddedTokenFlags, in text: UnsafeRawBufferPointer, from covered: Int,
    _ spaces: inout Range<Int>
  ) -> Range<Int> {
    var (start, end) = (range.lowerBound, range.upperBound)
    if flags.contains(.stripsLeft) { start = WhiteSpace.start(in: text, from: min(covered, start), to: start) }
    if flags.contains(.stripsRight) {
      if !spaces.contains(end) { spaces = end..<WhiteSpace.end(in: text, from: end, to: text.count) }
      end = spaces.upperBound
    }
    return start..<end
  }

  private func isWord(_ range: Range<Int>, in text: UnsafeRawBufferPointer) -> Bool {
    let before = WhiteSpace.scalar(in: text, before: range.lowerBound, limit: 0)
    let after = WhiteSpace.scalar(in: text, at: range.upperBound, limit: text.count)
    return !(before.map { WhiteSpace.isWord($0.scalar) } ?? false)
      && !(after.map { WhiteSpace.isWord($0.scalar) } ?? false)
  }
}
