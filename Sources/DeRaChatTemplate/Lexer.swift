/// Cuts a template into tokens by Jinja's rules with `trim_blocks` and `lstrip_blocks` on: a line end after a block
/// or comment is dropped, and so is the white space between the start of a line and a block or comment.
struct Lexer {
  let source: Text
  var position = 0
  var line = 1
  var tokens: [Token] = []
  /// Brackets open in the current tag, which hide the tag's end.
  var brackets: [TextScalar] = []
  /// The last tag took its line end with it.
  private var atLineStart = true

  private init(_ source: Text) {
    self.source = source
  }

  static func tokens(of source: Text) throws(TemplateError) -> [Token] {
    var text = source.normalizingNewlines()
    if text.last == "\n" { text.removeLast() }
    var lexer = Lexer(text)
    while lexer.position < text.count { try lexer.scanUntilTag() }
    lexer.append(.end)
    return lexer.tokens
  }

  private enum Tag { case output, block, comment, raw }

  /// Text up to the next tag, and that tag.
  private mutating func scanUntilTag() throws(TemplateError) {
    guard let start = nextTag() else {
      emitData(to: source.count, tagAt: source.count)
      return
    }
    let rawEnd = endOfKeywordTag("raw", at: start)
    let tag: Tag =
      rawEnd != nil ? .raw : source[start + 1] == "{" ? .output : source[start + 1] == "%" ? .block : .comment
    let sign = self.sign(at: start + 2)
    emitData(to: trimmedEnd(start, sign: sign, stripsLine: tag != .output), tagAt: start)
    advance(to: rawEnd ?? start + (sign == nil ? 2 : 3))
    switch tag {
    case .output: try scanTag(.outputBegin, end: .outputEnd)
    case .block: try scanTag(.blockBegin, end: .blockEnd)
    case .comment: try skipComment()
    case .raw: try scanRaw()
    }
  }

  private func nextTag() -> Int? {
    var index = position
    while index + 1 < source.count {
      if source[index] == "{", source[index + 1] == "{" || source[index + 1] == "%" || source[index + 1] == "#" {
        return index
      }
      index += 1
    }
    return nil
  }

  func sign(at index: Int) -> TextScalar? {
    index < source.count && (source[index] == "-" || source[index] == "+") ? source[index] : nil
  }

  /// Where the text before a tag at `start` ends once white space is taken off: all of it after `-`, the line's own
  /// when the tag takes it and nothing else stands before it.
  private func trimmedEnd(_ start: Int, sign: TextScalar?, stripsLine: Bool) -> Int {
    var end = start
    if sign == "-" {
      while end > position, source[end - 1].isPythonSpace { end -= 1 }
    } else if sign == nil, stripsLine {
      while end > position, source[end - 1].isPythonSpace, source[end - 1] != "\n" { end -= 1 }
      let wholeLine = end == position ? atLineStart : source[end - 1] == "\n"
      if !wholeLine { end = start }
    }
    return end
  }

  private mutating func emitData(to end: Int, tagAt start: Int) {
    if end > position { append(.data(Text(source[position..<end]))) }
    advance(to: start)
  }

  /// The end of `{% word %}` with optional signs, when it stands at `start`.
  private func endOfKeywordTag(_ word: String, at start: Int) -> Int? {
    guard source.hasPrefix(Text("{%"), at: start) else { return nil }
    var index = skipSpaces(from: sign(at: start + 2) == nil ? start + 2 : start + 3)
    guard source.hasPrefix(Text(word), at: index) else { return nil }
    index = skipSpaces(from: index + word.unicodeScalars.count)
    // `raw` leaves the line end after it, and knows no `+%}`.
    if word == "raw" {
      if source.hasPrefix(Text("%}"), at: index) { return index + 2 }
      return source.hasPrefix(Text("-%}"), at: index) ? endOfTag(Text("%}"), at: index, trimsLineEnd: false) : nil
    }
    return endOfTag(Text("%}"), at: index, trimsLineEnd: true)
  }

  func skipSpaces(from start: Int) -> Int {
    var index = start
    while index < source.count, source[index].isPythonSpace { index += 1 }
    return index
  }

  /// The position after a tag's end (and the white space it takes), when it stands at `index`.
  func endOfTag(_ end: Text, at index: Int, trimsLineEnd: Bool) -> Int? {
    if source.hasPrefix(end, at: index) {
      let after = index + end.count
      return trimsLineEnd && after < source.count && source[after] == "\n" ? after + 1 : after
    }
    guard let sign = sign(at: index), source.hasPrefix(end, at: index + 1) else { return nil }
    if sign == "-" { return skipSpaces(from: index + 1 + end.count) }
    return trimsLineEnd ? index + 1 + end.count : nil
  }

  private mutating func skipComment() throws(TemplateError) {
    var index = position
    while index < source.count {
      if let end = endOfTag(Text("#}"), at: index, trimsLineEnd: true) {
        finishTag(at: end)
        return
      }
      index += 1
    }
    throw error("this comment has no end '#}'")
  }

  private mutating func scanRaw() throws(TemplateError) {
    atLineStart = source[position - 1] == "\n"
    var index = position
    while index < source.count {
      if let end = endOfKeywordTag("endraw", at: index) {
        emitData(to: trimmedEnd(index, sign: sign(at: index + 2), stripsLine: true), tagAt: index)
        finishTag(at: end)
        return
      }
      index += 1
    }
    throw error("this raw block has no end '{% endraw %}'")
  }

  /// The inside of a `{{ … }}` or `{% … %}`.
  private mutating func scanTag(_ begin: Token.Kind, end: Token.Kind) throws(TemplateError) {
    append(begin)
    brackets = []
    let isBlock = end == .blockEnd
    while position < source.count {
      if brackets.isEmpty, let after = endOfTag(Text(isBlock ? "%}" : "}}"), at: position, trimsLineEnd: isBlock) {
        append(end)
        finishTag(at: after)
        return
      }
      try scanToken()
    }
    append(.end)
  }

  private mutating func finishTag(at end: Int) {
    advance(to: end)
    atLineStart = source[end - 1] == "\n"
  }

  mutating func append(_ kind: Token.Kind) {
    tokens.append(Token(kind: kind, line: line))
  }

  mutating func advance(to end: Int) {
    for index in position..<end where source[index] == "\n" { line += 1 }
    position = end
  }

  func error(_ message: String, _ kind: TemplateError.Kind = .syntax) -> TemplateError {
    TemplateError(kind: kind, line: line, message: message)
  }
}
