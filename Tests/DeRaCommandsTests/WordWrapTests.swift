import DeRaCommands
import Testing

/// A terminal that knows the bytes `WordWrap` sends.
private struct Screen {
  let width: Int
  var lines: [[Character]] = [[]]

  mutating func write(_ text: String) {
    var rest = Array(text)[...]
    while let character = rest.popFirst() {
      switch character {
      case "\n": lines.append([])
      case "\u{1B}":
        let end = rest.firstIndex(where: \.isLetter) ?? rest.endIndex
        let count = Int(String(rest[rest.startIndex + 1..<end])) ?? 0
        if rest[end] == "D" { lines[lines.count - 1].removeLast(count) }
        rest = rest[(end + 1)...]
      default: lines[lines.count - 1].append(character)
      }
    }
  }
}

@Suite struct WordWrapTests {
  private func shown(_ text: String, width: Int, pieces: Int) -> [String] {
    var wrap = WordWrap(width: width)
    var screen = Screen(width: width)
    var rest = Array(text)[...]
    while !rest.isEmpty {
      screen.write(wrap.feed(String(rest.prefix(pieces))))
      rest = rest.dropFirst(pieces)
    }
    return screen.lines.map { String($0) }
  }

  @Test(arguments: [1, 2, 3, 5, 100]) func linesBreakBetweenWords(pieces: Int) {
    let text = "The little dog ran to the big tree.\nIt barked"
    #expect(
      shown(text, width: 12, pieces: pieces) == ["The little ", "dog ran to ", "the big ", "tree.", "It barked"])
  }

  @Test(arguments: [1, 4]) func longWordsAreCut(pieces: Int) {
    #expect(shown("abcdefghij kl", width: 4, pieces: pieces) == ["abcd", "efgh", "ij ", "kl"])
  }

  @Test func wideCharactersBreakAnywhere() {
    #expect(shown("日本語です", width: 4, pieces: 1) == ["日本", "語で", "す"])
  }

  @Test func nothingIsAddedWhereEverythingFits() {
    #expect(shown("a b", width: 3, pieces: 1) == ["a b"])
    #expect(shown("abc\nabc\n", width: 3, pieces: 2) == ["abc", "abc", ""])
  }
}
