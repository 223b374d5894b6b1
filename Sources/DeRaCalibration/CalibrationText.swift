import DeRaPlatform
import DeRaTokenization

/// A text in two parts: one that weights are rounded for, and one that is held out to measure on.
///
/// A file is cut into passages at paragraphs, else at lines, else at spaces; every fourth passage is held out. The parts have no
/// byte in common, and the same text is always cut the same way.
package struct CalibrationText: Sendable, Equatable {
  /// A piece of text that stays in one part.
  package enum Passage: Sendable, Equatable {
    /// UTF-8. Special tokens spelled out in it are recognised, so that a file may hold conversations.
    case text([UInt8])
    /// Turns of a user and an assistant, one after the other; the model's own template lays them out.
    case conversation([String])

    /// The passage as text, as a model without a template reads it.
    package var bytes: [UInt8] {
      switch self {
      case .text(let bytes): bytes
      case .conversation(let turns):
        Array(
          (zip(turns.indices, turns).map { "\($0 % 2 == 0 ? "User" : "Assistant"): \($1)\n" } + ["\n"]).joined().utf8)
      }
    }
  }

  package let fitted: [Passage]
  package let held: [Passage]
  /// Whether it is ours.
  package let isStandard: Bool
  /// Bytes at the end of a file that are not used.
  package private(set) var unusedBytes = 0

  /// All of it, for the record.
  package var bytes: [UInt8] { (fitted + held).flatMap(\.bytes) }

  /// Ours, unless a file is named.
  package static let standard = CalibrationText(kinds: StandardText.kinds, isStandard: true)

  /// Most bytes that are read of a file: more than any tokenizer needs for `StatisticsCollector.tokenLimit`.
  private static let byteLimit = 1 << 20
  /// A passage in this many is held out.
  private static let heldShare = 4
  /// Bytes that a file's passages have at least, if the file has so many for each of `leastPassages`.
  private static let passageBytes = 1024
  private static let leastPassages = 16

  private init(kinds: [[Passage]], isStandard: Bool) {
    func isHeld(_ index: Int) -> Bool { index % Self.heldShare == Self.heldShare / 2 }
    fitted = kinds.flatMap { kind in kind.indices.filter { !isHeld($0) }.map { kind[$0] } }
    held = kinds.flatMap { kind in kind.indices.filter(isHeld).map { kind[$0] } }
    self.isStandard = isStandard
  }

  /// - Parameter bytes: UTF-8.
  package init(bytes: [UInt8]) {
    let used = bytes.prefix(Self.byteLimit)
    let size = max(1, min(Self.passageBytes, used.count / Self.leastPassages))
    self.init(kinds: [Self.passages(of: used, size: size).map { .text(Array($0)) }], isStandard: false)
    unusedBytes = bytes.count - used.count
  }

  /// The text in a file, or `default` for our own.
  /// - Throws: `FileError` when it cannot be read.
  package init(_ argument: String) throws(FileError) {
    if argument == "default" {
      self = .standard
      return
    }
    let file = try MappedFile(text: argument)
    self = try withExtendedLifetime(file) { () throws(FileError) in
      _ = try utf8Text(file.bytes, path: argument)
      var text = CalibrationText(bytes: Array(file.bytes.prefix(Self.byteLimit)))
      text.unusedBytes = file.bytes.count - min(file.bytes.count, Self.byteLimit)
      return text
    }
  }

  /// Cuts a text after at least `size` bytes at a paragraph's end, after twice that at a line's, after three times at a space,
  /// after four times anywhere between characters.
  static func passages(of text: ArraySlice<UInt8>, size: Int) -> [ArraySlice<UInt8>] {
    var passages: [ArraySlice<UInt8>] = []
    var start = text.startIndex
    for index in text.indices.dropFirst() where isCut(text, index, length: index - start, size: size) {
      passages.append(text[start..<index])
      start = index
    }
    return start < text.endIndex ? passages + [text[start...]] : passages
  }

  /// Whether a passage of `length` bytes may end before `index`.
  private static func isCut(_ text: ArraySlice<UInt8>, _ index: Int, length: Int, size: Int) -> Bool {
    let (newline, space) = (UInt8(ascii: "\n"), UInt8(ascii: " "))
    guard length >= size, text[index] != newline else { return false }
    let isLineStart = text[index - 1] == newline
    if isLineStart, length >= 2 * size { return true }
    if isLineStart, index - text.startIndex > 1, text[index - 2] == newline { return true }
    if length >= 3 * size, text[index] == space { return true }
    return length >= 4 * size && text[index] & 0xC0 != 0x80
  }
}

/// Why a model cannot be calibrated, and what to do.
package enum CalibrationError: Error, Equatable, CustomStringConvertible {
  /// Tokens of the text's parts, and those that the smaller one needs.
  case textTooShort(fitted: Int, held: Int, needed: Int)
  /// Tokens that are put before every text, and those of a sequence.
  case prefixTooLong(Int, sequence: Int)
  /// A token id that the embedding has no row for, and the number of its rows.
  case tokenOutsideVocabulary(Int32, rows: Int)

  package var description: String {
    switch self {
    case .textTooShort(let fitted, let held, let needed):
      "the calibration text is too short: weights would be rounded for \(fitted) of its tokens and \(held) are held out to "
        + "measure on, of which there must be \(needed). Give some kilobytes."
    case .prefixTooLong(let count, let sequence):
      "the tokenizer puts \(count) tokens before every text, but a calibration sequence has \(sequence), of which at "
        + "most half may be taken. Check the post_processor of the tokenizer, or convert without calibration."
    case .tokenOutsideVocabulary(let id, let rows):
      "the tokenizer makes the token id \(id) of the calibration text, but the embedding has the rows 0..<\(rows). "
        + "Check that tokenizer and weights belong together, or convert without calibration."
    }
  }
}
