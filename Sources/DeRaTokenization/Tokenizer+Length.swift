extension Tokenizer {
  /// Tokens that a text of so many bytes has at least, whatever it says; known without reading it.
  ///
  /// 0 where a step may drop text or a token may stand for any length of it.
  package func leastTokens(bytes: Int) -> Int {
    guard let most = mostBytesOfToken, most > 0 else { return 0 }
    return bytes / most
  }

  /// Bytes of text that one token stands for at most; nil where there is no bound.
  private var mostBytesOfToken: Int? {
    guard let before = normalizer.shrinking, let after = preTokenizer.shrinking, hasTokenForAll else { return nil }
    var longest = 1
    for id in 0..<image.pieceCount where image.flags(id).contains(.text) {
      longest = max(longest, image.piece(id).count)
    }
    // What stands for an unknown scalar.
    longest = max(longest, UTF8Text.maximumScalarBytes) * before * after
    for row in 0..<image.addedTokens.count {
      let flags = AddedTokenFlags(rawValue: image.addedTokens.u32(row, 4))
      if !flags.isDisjoint(with: [.stripsLeft, .stripsRight]) { return nil }
      let content = piece(of: image.addedTokens.i32(row, 0))
      longest = max(longest, content.count, normalized(content).count * before)
    }
    return longest
  }

  /// Whether no byte of a word is left out, nor several unknown characters taken for one token.
  private var hasTokenForAll: Bool {
    let settings = image.settings
    if (0..<256).allSatisfy({ image.byteIDs.i32($0, 0) >= 0 }) {
      return settings.kind == .byteLevelBPE || settings.fallsBackToBytes
    }
    return settings.kind != .byteLevelBPE && settings.namedIDs[0] >= 0 && !settings.fusesUnknown
  }
}

extension TextPipeline {
  /// Bytes that one byte of the result stands for at most; nil where text may be dropped.
  var shrinking: Int? {
    var product = 1
    for (step, _) in steps {
      guard let factor = step.shrinking else { return nil }
      product *= factor
    }
    return product
  }
}

extension TextStep {
  fileprivate var shrinking: Int? {
    switch self {
    case .prefixed: 1
    case .split(_, let behavior, _): behavior == .removed ? nil : 1
    // One scalar, of at least one byte, for one, and for up to four where they are composed.
    case .lowercased, .decomposed: UTF8Text.maximumScalarBytes
    case .composed: 4 * UTF8Text.maximumScalarBytes
    case .replaced(.literal(let text), let content) where !content.isEmpty:
      (text.count + content.count - 1) / content.count
    case .replaced, .trimmed: nil
    }
  }
}
