import DeRaText

/// Breaks lines between words while a text is still being made: a word that reaches the edge is taken back and begun on
/// the next line.
package struct WordWrap {
  /// Columns of the terminal.
  package var width: Int
  private var column = 0
  /// The word being written, and its columns.
  private var word = ""
  private var wordWidth = 0

  package init(width: Int) { self.width = width }

  /// The bytes to send for the next piece of the text.
  package mutating func feed(_ text: String) -> String { text.reduce(into: "") { $0 += next($1) } }

  private mutating func next(_ character: Character) -> String {
    if character.isNewline {
      (column, word, wordWidth) = (0, "", 0)
      return String(character)
    }
    let step = displayWidth(character)
    if character.isWhitespace {
      (word, wordWidth) = ("", 0)
      // A blank at the edge is the line break.
      guard column + step <= width else {
        column = 0
        return "\n"
      }
      column += step
      return String(character)
    }
    // Wide characters have no blanks between them.
    if step > 1 { (word, wordWidth) = ("", 0) }
    var output = ""
    if column + step > width {
      // Moving left within the line, then clearing to its end; a word as long as the line stays where it is.
      if wordWidth > 0, wordWidth < column {
        output = "\u{1B}[\(wordWidth)D\u{1B}[K\n\(word)"
        column = wordWidth
      } else {
        output = "\n"
        (column, word, wordWidth) = (0, "", 0)
      }
    }
    word.append(character)
    wordWidth += step
    column += step
    return output + String(character)
  }
}
