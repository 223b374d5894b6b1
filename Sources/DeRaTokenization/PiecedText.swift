/// Text on its way to the model: bytes of valid UTF-8, cut into consecutive pieces.
struct PiecedText {
  struct Piece: Equatable {
    var range: Range<Int>
    /// The piece starts where the whole text starts.
    var startsText: Bool
  }

  private(set) var bytes: [UInt8]
  private(set) var pieces: [Piece]
  /// Bytes that steps may make of it, and spans that they may find in a piece.
  var limit: Int
  /// Reused between steps.
  private var spans: [Span] = []

  /// A stretch of a piece that matched, or one between matches.
  private struct Span {
    var start: Int
    var end: Int
    var isMatch: Bool
  }

  init(_ text: UnsafeRawBufferPointer, startsText: Bool) {
    bytes = Array(text)
    pieces = text.isEmpty ? [] : [Piece(range: 0..<text.count, startsText: startsText)]
    limit = TextPipeline.limit(of: text.count)
  }

  private func checkGrowth(_ count: Int) throws(TokenizerError) {
    guard count <= limit else { throw .textGrew }
  }

  /// Builds every piece anew. Pieces that become empty disappear.
  /// - Throws: `TokenizerError.textGrew`, like every step that makes bytes or spans.
  mutating func rewrite(_ body: (UnsafeRawBufferPointer, inout [UInt8]) -> Void) throws(TokenizerError) {
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count)
    var kept: [Piece] = []
    try bytes.withRawBytes { source throws(TokenizerError) in
      for piece in pieces {
        let start = output.count
        body(UnsafeRawBufferPointer(rebasing: source[piece.range]), &output)
        try checkGrowth(output.count)
        if output.count > start { kept.append(Piece(range: start..<output.count, startsText: piece.startsText)) }
      }
    }
    bytes = output
    pieces = kept
  }

  mutating func prefix(_ unit: [UInt8], unlessPresent: Bool, firstOnly: Bool) throws(TokenizerError) {
    let wanted = pieces.contains { !firstOnly || $0.startsText }
    guard wanted, !unit.isEmpty else { return }
    var index = 0
    let flags = pieces.map(\.startsText)
    try rewrite { piece, output in
      let skipped = (firstOnly && !flags[index]) || (unlessPresent && piece.starts(with: unit))
      if !skipped { output.append(contentsOf: unit) }
      output.append(contentsOf: piece)
      index += 1
    }
  }

  mutating func trim(left: Bool, right: Bool) {
    bytes.withUnsafeBytes { source in
      for index in pieces.indices {
        var range = pieces[index].range
        if left { range = WhiteSpace.end(in: source, from: range.lowerBound, to: range.upperBound)..<range.upperBound }
        if right {
          range = range.lowerBound..<WhiteSpace.start(in: source, from: range.lowerBound, to: range.upperBound)
        }
        pieces[index].range = range
      }
    }
    pieces.removeAll { $0.range.isEmpty }
  }

  mutating func replace(
    _ finder: TextPipeline.Finder, with content: [UInt8], matcher: Matcher
  ) throws(TokenizerError) {
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count)
    var kept: [Piece] = []
    for piece in pieces {
      let start = output.count
      try find(finder, in: piece.range, matcher: matcher)
      for span in spans {
        if span.isMatch { output += content } else { output += bytes[span.start..<span.end] }
        try checkGrowth(output.count)
      }
      if output.count > start { kept.append(Piece(range: start..<output.count, startsText: piece.startsText)) }
    }
    bytes = output
    pieces = kept
  }

  mutating func split(
    _ finder: TextPipeline.Finder, _ behavior: SplitBehavior, inverted: Bool, matcher: Matcher
  ) throws(TokenizerError) {
    var cut: [Piece] = []
    cut.reserveCapacity(2 * pieces.count + bytes.count / 4)
    for piece in pieces {
      try find(finder, in: piece.range, matcher: matcher)
      if inverted { for index in spans.indices { spans[index].isMatch.toggle() } }
      merge(behavior)
      for span in spans where span.end > span.start && !(behavior == .removed && span.isMatch) {
        cut.append(
          Piece(range: span.start..<span.end, startsText: piece.startsText && span.start == piece.range.lowerBound))
      }
    }
    pieces = cut
  }

  /// Fills `spans` with what `finder` makes of a piece: matches and what lies between them, in order.
  private mutating func find(
    _ finder: TextPipeline.Finder, in range: Range<Int>, matcher: Matcher
  ) throws(TokenizerError) {
    spans.removeAll(keepingCapacity: true)
    if case .pattern = finder, !isUTF8(range) {
      // Added tokens of a damaged image may cut characters; a pattern must not see the halves.
      spans.append(Span(start: range.lowerBound, end: range.upperBound, isMatch: false))
      return
    }
    var covered = range.lowerBound
    var lastMatchEnd: Int?
    var position = range.lowerBound
    while let match = try nextMatch(finder, in: range, from: position, matcher: matcher) {
      if match.isEmpty && match.upperBound == lastMatchEnd {
        // Like Oniguruma's iterator: an empty match right after a match does not count.
        position += scalarLength(at: position, limit: range.upperBound)
        continue
      }
      if covered < match.lowerBound { spans.append(Span(start: covered, end: match.lowerBound, isMatch: false)) }
      spans.append(Span(start: match.lowerBound, end: match.upperBound, isMatch: true))
      try checkGrowth(spans.count)
      covered = match.upperBound
      lastMatchEnd = match.upperBound
      position = match.upperBound
    }
    if covered < range.upperBound { spans.append(Span(start: covered, end: range.upperBound, isMatch: false)) }
  }

  private func isUTF8(_ range: Range<Int>) -> Bool {
    bytes.withUnsafeBytes { UTF8Text.isValid(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  private func nextMatch(
    _ finder: TextPipeline.Finder, in range: Range<Int>, from position: Int, matcher: Matcher
  ) throws(TokenizerError) -> Range<Int>? {
    guard position <= range.upperBound else { return nil }
    switch finder {
    case .literal(let unit): return literalMatch(unit, from: position, to: range.upperBound)
    case .pattern(let pattern):
      let base = range.lowerBound
      let match = try bytes.withRawBytes { buffer throws(TokenizerError) in
        try matcher.firstMatch(
          of: pattern, in: UnsafeRawBufferPointer(rebasing: buffer[range]), from: position - base)
      }
      return match.map { ($0.lowerBound + base)..<($0.upperBound + base) }
    }
  }

  private func literalMatch(_ unit: [UInt8], from position: Int, to end: Int) -> Range<Int>? {
    guard let first = unit.first, end - position >= unit.count else { return nil }
    return bytes.withUnsafeBytes { buffer in
      var start = position
      while start + unit.count <= end {
        if buffer[start] == first, buffer[start..<(start + unit.count)].elementsEqual(unit) {
          return start..<(start + unit.count)
        }
        start += 1
      }
      return nil
    }
  }

  private func scalarLength(at index: Int, limit: Int) -> Int {
    guard index < limit else { return 1 }
    let byte = bytes[index]
    return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
  }

  /// Joins `spans` as `behavior` says. The order of the cases' effects is that of Hugging Face `tokenizers`: of several
  /// matches in a row only the first joins its neighbour.
  private mutating func merge(_ behavior: SplitBehavior) {
    switch behavior {
    case .removed, .isolated: return
    case .contiguous: spans = Self.joined(spans) { $0 == $1 }
    case .mergedWithPrevious: spans = Self.joined(spans) { previous, current in current && !previous }
    case .mergedWithNext:
      let mirrored = spans.reversed().map { Span(start: -$0.end, end: -$0.start, isMatch: $0.isMatch) }
      spans = Self.joined(mirrored) { previous, current in current && !previous }
        .reversed().map { Span(start: -$0.end, end: -$0.start, isMatch: $0.isMatch) }
    }
  }

  private static func joined(_ spans: [Span], _ joins: (_ previous: Bool, _ current: Bool) -> Bool) -> [Span] {
    var result: [Span] = []
    var previous = false
    for span in spans {
      if joins(previous, span.isMatch), let last = result.indices.last {
        result[last].end = span.end
      } else {
        result.append(span)
      }
      previous = span.isMatch
    }
    return result
  }
}
