import DeRaText

/// The text of a line being edited and where the cursor is in it. Characters are what a reader sees as one.
package struct LineBuffer: Equatable {
  package private(set) var left = ""
  package private(set) var right = ""

  package var text: String { left + right }
  package var isEmpty: Bool { left.isEmpty && right.isEmpty }

  /// Shows where a pasted text has a new line.
  private static let newline: Character = "↵"

  /// A line with the cursor at its end.
  package init(_ text: String = "") { left = text }

  package mutating func insert(_ scalar: Unicode.Scalar) { left.unicodeScalars.append(scalar) }

  package mutating func moveLeft() {
    if let character = left.popLast() { right.insert(character, at: right.startIndex) }
  }

  package mutating func moveRight() {
    if !right.isEmpty { left.append(right.removeFirst()) }
  }

  package mutating func moveHome() { (left, right) = ("", text) }
  package mutating func moveEnd() { (left, right) = (text, "") }

  package mutating func moveWordLeft() {
    while left.last == " " { moveLeft() }
    while let last = left.last, last != " " { moveLeft() }
  }

  package mutating func moveWordRight() {
    while right.first == " " { moveRight() }
    while let first = right.first, first != " " { moveRight() }
  }

  package mutating func deleteBackward() { _ = left.popLast() }

  package mutating func deleteForward() {
    if !right.isEmpty { right.removeFirst() }
  }

  package mutating func deleteToStart() { left = "" }
  package mutating func deleteToEnd() { right = "" }

  package mutating func deleteWord() {
    while left.last == " " { left.removeLast() }
    while let last = left.last, last != " " { left.removeLast() }
  }

  /// The part of the line around the cursor that fits, and the cursor's column in it.
  /// - Parameter width: terminal columns there are for text, at least 2.
  package func visible(width: Int) -> (text: String, cursor: Int) {
    var before: [Character] = []
    var used = 0
    // One column stays free for the cursor behind the last character.
    for character in left.reversed() {
      let next = character.isNewline ? 1 : displayWidth(character)
      guard used + next < width else { break }
      before.append(character)
      used += next
    }
    let cursor = used
    var after = ""
    for character in right {
      let next = character.isNewline ? 1 : displayWidth(character)
      guard used + next < width else { break }
      after.append(character)
      used += next
    }
    let text = (String(before.reversed()) + after).map { $0.isNewline ? Self.newline : $0 }
    return (String(text), cursor)
  }
}
