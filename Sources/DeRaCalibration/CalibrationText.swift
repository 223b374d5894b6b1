import DeRaPlatform
import DeRaTokenization

/// A text that a model is run over to see what its matrices are given.
package struct CalibrationText: Sendable, Equatable {
  /// UTF-8.
  package let bytes: [UInt8]

  package init(bytes: [UInt8]) { self.bytes = Array(bytes.prefix(Self.byteLimit)) }

  /// Ours, unless a file is named: prose of several kinds, conversations, code and some figures.
  package static let standard = CalibrationText(bytes: Array(standardText.utf8))

  /// Most bytes that are read of a file: more than any tokenizer needs for `StatisticsCollector.tokenLimit`.
  private static let byteLimit = 1 << 20

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
      return CalibrationText(bytes: Array(file.bytes.prefix(Self.byteLimit)))
    }
  }

  /// The text's tokens in sequences of one pass, each with what the model expects at the beginning of a text. Special tokens
  /// spelled out in the text are recognised, so that it may hold conversations.
  /// - Throws: `TokenizerError`, `CalibrationError.prefixTooLong`.
  package func sequences(_ tokenizer: Tokenizer, contextLength: Int) throws -> [[Int32]] {
    let tokens = try bytes.withUnsafeBytes { bytes in
      try tokenizer.encode(bytes, addSpecial: false, parseSpecial: true)
    }.prefix(StatisticsCollector.tokenLimit)
    let prefix = tokenizer.prefixIDs
    let length = min(StatisticsCollector.sequenceTokens, contextLength)
    let room = length - prefix.count
    // Hidden states of all sequences are in memory at once: they may be twice the text's, not the prefix's many times.
    guard room > 0, room >= prefix.count else { throw CalibrationError.prefixTooLong(prefix.count, sequence: length) }
    return stride(from: 0, to: tokens.count, by: room).map { start in
      prefix + tokens[start..<min(start + room, tokens.count)]
    }
  }
}

/// Why a model cannot be calibrated, and what to do.
package enum CalibrationError: Error, Equatable, CustomStringConvertible {
  case textTooShort
  /// Tokens that are put before every text, and those of a sequence.
  case prefixTooLong(Int, sequence: Int)
  /// A token id that the embedding has no row for, and the number of its rows.
  case tokenOutsideVocabulary(Int32, rows: Int)

  package var description: String {
    switch self {
    case .textTooShort: "the calibration text is too short; give some kilobytes"
    case .prefixTooLong(let count, let sequence):
      "the tokenizer puts \(count) tokens before every text, but a calibration sequence has \(sequence), of which at "
        + "most half may be taken. Check the post_processor of the tokenizer, or convert without calibration."
    case .tokenOutsideVocabulary(let id, let rows):
      "the tokenizer makes the token id \(id) of the calibration text, but the embedding has the rows 0..<\(rows). "
        + "Check that tokenizer and weights belong together, or convert without calibration."
    }
  }
}
