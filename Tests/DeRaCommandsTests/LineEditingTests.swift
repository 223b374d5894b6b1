import DeRaCommands
import DeRaTestSupport
import DeRaText
import Testing

@Suite struct LineEditingTests {
  /// Types bytes and returns how the line ended, or the line so far.
  private func type(_ bytes: String, into editing: inout LineEditing) -> ReadLine {
    var decoder = KeyDecoder()
    for byte in bytes.utf8 {
      guard let key = decoder.feed(byte) else { continue }
      if case .finished(let result) = editing.press(key) { return result }
    }
    return .line(editing.buffer.text)
  }

  private func type(_ bytes: String) -> ReadLine {
    var editing = LineEditing()
    return type(bytes, into: &editing)
  }

  @Test(arguments: [
    ("abc\r", "abc"), ("bc\u{1B}[D\u{1B}[Da\r", "abc"), ("bc\u{1}a\u{5}d\r", "abcd"), ("abc\u{7F}\r", "ab"),
    ("abc\u{1B}[H\u{1B}[3~\r", "bc"), ("abc def\u{17}\r", "abc "), ("abc\u{2}\u{B}\r", "ab"),
    ("abc\u{2}\u{15}\r", "c"), ("ab cd\u{1B}[1;5Dx\r", "ab xcd"), ("ab cd\u{1}\u{1B}fx\r", "abx cd"),
    ("äöü\u{1B}[D\u{7F}\r", "äü"), ("👨‍👩‍👧!\u{2}\u{7F}\r", "!"), ("e\u{301}x\u{2}\u{7F}\r", "x"), ("a\u{1B}[99zb\r", "ab"),
  ]) func edits(bytes: String, line: String) { #expect(type(bytes) == .line(line)) }

  @Test func aPastedTextIsOneMessage() {
    #expect(type("\u{1B}[200~one\rtwo\nthree\u{1B}[201~!\r") == .line("one\ntwo\nthree!"))
    var buffer = LineBuffer("a\nb")
    #expect(buffer.visible(width: 10) == ("a↵b", 3))
    buffer.moveLeft()
    #expect(buffer.visible(width: 3) == ("a↵", 2))
  }

  @Test(arguments: [
    // Found, found further back, none found, taken with the cursor at the end, given up.
    ("\u{12}cat\r", "a cat again"), ("\u{12}cat\u{12}\r", "the cat"), ("\u{12}zebra\r", "x"),
    ("\u{12}dog\u{5}!\r", "a dog!"), ("draft\u{12}cat\u{3}s\r", "drafts"), ("draft\u{12}cat\u{7}s\r", "drafts"),
    ("\u{12}cats\u{7F}\r", "a cat again"),
  ]) func historyIsSearched(bytes: String, line: String) {
    var editing = LineEditing(history: ["the cat", "a dog", "a cat again", "x"])
    editing.startLine()
    #expect(type(bytes == "\u{12}zebra\r" ? "x" + bytes : bytes, into: &editing) == .line(line))
  }

  @Test func theSearchShowsWhatItLooksFor() {
    var editing = LineEditing(history: ["the cat"])
    editing.startLine()
    #expect(editing.searchPrompt == nil)
    _ = type("\u{12}ca", into: &editing)
    #expect(editing.searchPrompt == "(search 'ca') " && editing.buffer.text == "the cat")
    _ = type("\u{1B}[D", into: &editing)
    #expect(editing.searchPrompt == nil)
  }

  @Test func answersToQuestionsAreNotKept() {
    var editing = LineEditing()
    editing.startLine(isKept: false)
    #expect(type("y\r", into: &editing) == .line("y") && editing.history == [])
  }

  @Test func endings() {
    #expect(type("\u{4}") == .end)
    #expect(type("a\u{1}\u{4}\r") == .line(""))
    #expect(type("abc\u{3}") == .interrupted)
  }

  @Test func historyKeepsTheDraft() {
    var editing = LineEditing()
    for line in ["one", "two", "two"] {
      editing.startLine()
      _ = type(line + "\r", into: &editing)
    }
    #expect(editing.history == ["one", "two"])
    editing.startLine()
    #expect(type("dr\u{1B}[A", into: &editing) == .line("two"))
    #expect(type("\u{1B}[A\u{1B}[A", into: &editing) == .line("one"))
    #expect(type("\u{1B}[B\u{1B}[Baft\r", into: &editing) == .line("draft"))
  }

  @Test func brokenUTF8IsDropped() {
    var decoder = KeyDecoder()
    let bytes: [UInt8] = [0xFF, 0x80, 0xC3, 0x61, 0xE2, 0x82, 0xC3, 0xA9, 0xF5, 0xED, 0xA0, 0x80, 0x62]
    #expect(bytes.compactMap { decoder.feed($0) } == [.text("a"), .text("é"), .text("b")])
  }

  /// Any bytes leave an editor that still works.
  @Test func randomBytesDoNoHarm() {
    var generator = SeededGenerator(seed: 1)
    var decoder = KeyDecoder()
    var editing = LineEditing()
    for _ in 0..<50_000 {
      let byte = UInt8.random(in: 0...255, using: &generator)
      if let key = decoder.feed(byte), case .finished = editing.press(key) { editing.startLine() }
      let view = editing.buffer.visible(width: 10)
      #expect(view.cursor < 10 && displayWidth(view.text) < 10)
    }
  }

  @Test func longLinesShowThePartAroundTheCursor() {
    var buffer = LineBuffer("0123456789日本")
    #expect(buffer.visible(width: 6) == ("9日本", 5))
    buffer.moveLeft()
    #expect(buffer.visible(width: 6) == ("789日", 5))
    buffer.moveHome()
    #expect(buffer.visible(width: 6) == ("01234", 0))
    #expect(buffer.text == "0123456789日本")
  }
}
