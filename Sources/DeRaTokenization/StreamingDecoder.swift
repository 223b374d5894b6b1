extension Tokenizer {
  /// The text of some ids: valid UTF-8, with U+FFFD where the ids' bytes are not.
  /// - Parameters:
  ///   - ids: unknown ids are left out.
  ///   - skipSpecial: leave special tokens out.
  package func decode(_ ids: some Sequence<Int32>, skipSpecial: Bool) -> [UInt8] {
    var decoder = StreamingDecoder(self, skipSpecial: skipSpecial)
    var text: [UInt8] = []
    for id in ids { decoder.append(id, to: &text) }
    decoder.finish(into: &text)
    return text
  }

  /// The bytes that an id adds inside a text; perhaps only part of a character. Empty for ids that do not exist.
  package func bytes(of id: Int32) -> [UInt8] { StreamingDecoder(self, skipSpecial: false).bytes(of: id) }

  /// A decoder for ids that come one after another.
  /// - Parameter prompt: ids that come before: the text is then what the later ids add to theirs. Decoders of whole
  ///   texts drop the space before the first word, which belongs to the text where it goes on.
  package func streamingDecoder(skipSpecial: Bool = true, after prompt: some Sequence<Int32> = EmptyCollection())
    -> StreamingDecoder
  {
    var decoder = StreamingDecoder(self, skipSpecial: skipSpecial)
    var text: [UInt8] = []
    for id in prompt {
      decoder.append(id, to: &text)
      text.removeAll(keepingCapacity: true)
    }
    decoder.forgetFinished()
    return decoder
  }

  /// The bytes that an id adds to a text that has begun; empty for ids that show nothing. They may be a part of a
  /// character.
  package func addedText(of id: Int32) -> [UInt8] {
    guard exists(id), !isSpecial(id) else { return [] }
    let decoder = image.settings.decoder
    var piece = piece(of: id)
    for step in decoder.steps { step.apply(to: &piece, isFirst: false) }
    if decoder.joinsBytes, let byte = StreamingDecoder.byte(of: piece) { return [byte] }
    return piece
  }

  /// Turns ids into text as they come. What it returns are whole UTF-8 characters, and all of it together is what
  /// `decode` returns for all the ids.
  package struct StreamingDecoder: Sendable {
    private let tokenizer: Tokenizer
    private let skipsSpecial: Bool
    private var isFirst = true
    /// Byte tokens whose run has not ended: only at its end is it known whether they are text.
    private var byteRun: [UInt8] = []
    /// The start of a character.
    private var partial: [UInt8] = []
    private var leadingUnitsLeft: Int
    /// Units held back because they may be the text's end.
    private var heldUnits = 0

    init(_ tokenizer: Tokenizer, skipSpecial: Bool) {
      self.tokenizer = tokenizer
      skipsSpecial = skipSpecial
      leadingUnitsLeft = tokenizer.image.settings.decoder.strippedAtStart
    }

    /// The text that `id` completes; empty while a character is unfinished.
    package mutating func append(_ id: Int32) -> String {
      var text: [UInt8] = []
      append(id, to: &text)
      return String(decoding: text, as: UTF8.self)
    }

    /// The rest of the text: U+FFFD for a character that was never finished. The decoder is then as new.
    package mutating func finish() -> String {
      var text: [UInt8] = []
      finish(into: &text)
      return String(decoding: text, as: UTF8.self)
    }

    mutating func append(_ id: Int32, to text: inout [UInt8]) {
      guard tokenizer.exists(id), !(skipsSpecial && tokenizer.isSpecial(id)) else { return }
      let decoder = tokenizer.image.settings.decoder
      var piece = tokenizer.piece(of: id)
      for step in decoder.steps { step.apply(to: &piece, isFirst: isFirst) }
      isFirst = false
      if decoder.joinsBytes, let byte = Self.byte(of: piece) {
        byteRun.append(byte)
      } else {
        flushByteRun(to: &text)
        emit(piece, to: &text)
      }
    }

    /// Drops what is whole of the text so far and only waits for more; an unfinished character stays.
    fileprivate mutating func forgetFinished() {
      var text: [UInt8] = []
      let taken = byteRun.withUnsafeBytes { UTF8Text.appendRepaired($0, to: &text, holdingTail: true) }
      if taken > 0 { leadingUnitsLeft = 0 }
      byteRun.removeFirst(taken)
      heldUnits = 0
    }

    mutating func finish(into text: inout [UInt8]) {
      flushByteRun(to: &text)
      partial.withUnsafeBytes { _ = UTF8Text.appendRepaired($0, to: &text) }
      self = StreamingDecoder(tokenizer, skipSpecial: skipsSpecial)
    }

    fileprivate func bytes(of id: Int32) -> [UInt8] {
      guard tokenizer.exists(id) else { return [] }
      let decoder = tokenizer.image.settings.decoder
      var piece = tokenizer.piece(of: id)
      for step in decoder.steps { step.apply(to: &piece, isFirst: false) }
      return decoder.joinsBytes ? Self.byte(of: piece).map { [$0] } ?? piece : piece
    }

    /// The value of a byte token, `<0x0A>`.
    fileprivate static func byte(of piece: [UInt8]) -> UInt8? {
      guard piece.count == 6, piece.starts(with: Array("<0x".utf8)), piece[5] == UInt8(ascii: ">") else { return nil }
      return UInt8(String(decoding: piece[3..<5], as: UTF8.self), radix: 16)
    }

    private mutating func flushByteRun(to text: inout [UInt8]) {
      guard !byteRun.isEmpty else { return }
      if byteRun.withUnsafeBytes(UTF8Text.isValid) {
        emit(byteRun, to: &text)
      } else {
        emit(Array(repeatElement(UTF8Text.replacement, count: byteRun.count).joined()), to: &text)
      }
      byteRun.removeAll(keepingCapacity: true)
    }

    private mutating func emit(_ piece: [UInt8], to text: inout [UInt8]) {
      let decoder = tokenizer.image.settings.decoder
      let unit = decoder.strippedUnit
      var piece = piece[...]
      while leadingUnitsLeft > 0, !unit.isEmpty, piece.starts(with: unit) {
        piece.removeFirst(unit.count)
        leadingUnitsLeft -= 1
      }
      guard !piece.isEmpty else { return }
      leadingUnitsLeft = 0
      for _ in 0..<heldUnits { partial += unit }
      partial += piece
      heldUnits = 0
      while heldUnits < decoder.strippedAtEnd, !unit.isEmpty, partial.suffix(unit.count).elementsEqual(unit) {
        partial.removeLast(unit.count)
        heldUnits += 1
      }
      let taken = partial.withUnsafeBytes { UTF8Text.appendRepaired($0, to: &text, holdingTail: true) }
      partial.removeFirst(taken)
    }
  }
}

extension TokenizerDefinition.Decoder.Step {
  /// Longest text of one token; steps of a damaged image may not grow it further.
  private static let maximumPieceBytes = 1 << 16

  /// Changes one token's text.
  func apply(to piece: inout [UInt8], isFirst: Bool) {
    defer { if piece.count > Self.maximumPieceBytes { piece.removeSubrange(Self.maximumPieceBytes...) } }
    switch self {
    case .replaced(let bytes, let content): piece = Self.replacing(bytes, with: content, in: piece)
    case .metaspace(let unit, let dropsFirst):
      piece = Self.replacing(unit, with: isFirst && dropsFirst ? [] : [0x20], in: piece)
    case .stripped(let unit, let start, let stop):
      guard !unit.isEmpty else { return }
      var kept = piece[...]
      var left = start
      while left > 0, kept.starts(with: unit) {
        kept.removeFirst(unit.count)
        left -= 1
      }
      left = stop
      while left > 0, kept.suffix(unit.count).elementsEqual(unit) {
        kept.removeLast(unit.count)
        left -= 1
      }
      piece = Array(kept)
    }
  }

  private static func replacing(_ unit: [UInt8], with content: [UInt8], in piece: [UInt8]) -> [UInt8] {
    guard let first = unit.first, piece.contains(first) else { return piece }
    var result: [UInt8] = []
    var rest = piece[...]
    while let byte = rest.first {
      if rest.starts(with: unit) {
        result += content
        rest.removeFirst(unit.count)
      } else {
        result.append(byte)
        rest.removeFirst()
      }
    }
    return result
  }
}
