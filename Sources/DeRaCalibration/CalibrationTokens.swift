import DeRaChatTemplate
import DeRaPrompting
import DeRaTokenization

/// The tokens of a text's two parts, as a model reads them.
package struct CalibrationTokens: Sendable {
  /// The least that is measured on.
  package static let leastHeld = 32

  /// Sequences of one pass, each with the tokens the model expects at the beginning of a text.
  package let fitted: [[Int32]]
  /// The same tokens, then the passages held out, one after the other.
  package let held: [Int32]
  /// Bytes of the held passages' tokens.
  package let heldBytes: Int

  /// - Parameter layout: lays out conversations; without one, or where it fails, they are plain text.
  /// - Throws: `TokenizerError`, `CalibrationError.textTooShort` or `.prefixTooLong`.
  package init(
    _ text: CalibrationText, _ tokenizer: Tokenizer, layout: ConversationLayout?, contextLength: Int
  ) throws {
    let reader = PassageReader(tokenizer: tokenizer, layout: layout)
    let prefix = tokenizer.prefixIDs
    let length = min(StatisticsCollector.sequenceTokens, contextLength)
    let room = length - prefix.count
    // Hidden states of all sequences are in memory at once: they may be twice the text's, not the prefix's many times.
    guard room > 0, room >= prefix.count else { throw CalibrationError.prefixTooLong(prefix.count, sequence: length) }
    let tokens = try reader.tokens(of: text.fitted).prefix(StatisticsCollector.tokenLimit)
    let held = try reader.tokens(of: text.held)
    guard held.count >= Self.leastHeld, !tokens.isEmpty else {
      throw CalibrationError.textTooShort(fitted: tokens.count, held: held.count, needed: Self.leastHeld)
    }
    fitted = stride(from: 0, to: tokens.count, by: room).map { start in
      prefix + tokens[start..<min(start + room, tokens.count)]
    }
    self.held = prefix + held
    heldBytes = text.held.reduce(0) { $0 + $1.bytes.count }
  }
}

/// Turns passages into tokens.
private struct PassageReader {
  let tokenizer: Tokenizer
  let layout: ConversationLayout?

  /// The day of conversations whose template asks for one: the same text must give the same tokens on every day.
  private static let day = TemplateDate(year: 2024, month: 7, day: 26)

  func tokens(of passages: [CalibrationText.Passage]) throws -> [Int32] {
    try passages.flatMap { passage in
      if case .conversation(let turns) = passage, let tokens = try conversation(turns) { return tokens }
      return try passage.bytes.withUnsafeBytes { try tokenizer.encode($0, addSpecial: false, parseSpecial: true) }
    }
  }

  /// nil where there is no template, or it cannot lay this out.
  private func conversation(_ turns: [String]) throws -> [Int32]? {
    let messages = zip(turns.indices, turns).map {
      TemplateMessage(role: $0 % 2 == 0 ? "user" : "assistant", content: $1)
    }
    guard let prompt = try? layout?.prompt(for: messages, addGenerationPrompt: false, now: Self.day) else { return nil }
    let tokens = try tokenizer.encode(prompt.text, addSpecial: false, content: prompt.content)
    // Only a sequence begins with what a text begins with.
    let prefix = tokenizer.prefixIDs
    return !prefix.isEmpty && tokens.starts(with: prefix) ? Array(tokens.dropFirst(prefix.count)) : tokens
  }
}
