/// The effect of a key on the line.
package enum LineEvent: Equatable {
  /// The line, or only the cursor, may have changed.
  case edited
  case clearScreen
  case finished(ReadLine)
}

/// How reading a line ended.
package enum ReadLine: Equatable {
  case line(String)
  /// Ctrl-C.
  case interrupted
  /// End of input, or Ctrl-D on an empty line.
  case end
}

/// The state of a line editor with history, without a terminal.
package struct LineEditing {
  package private(set) var buffer = LineBuffer()
  package private(set) var history: [String] = []
  /// Place in the history; its count means the line being written.
  private var place = 0
  private var draft = LineBuffer()
  private var isPasting = false

  package static let historyLimit = 1000

  package init() {}

  package mutating func startLine() {
    buffer = LineBuffer()
    place = history.count
    isPasting = false
  }

  package mutating func press(_ key: Key) -> LineEvent {
    switch key {
    case .pasteStart: isPasting = true
    case .pasteEnd: isPasting = false
    // A pasted text is one message, however many lines it has.
    case .enter where isPasting: buffer.insert("\n")
    case .text(let scalar): buffer.insert(scalar)
    case .enter: return .finished(.line(finish()))
    case .interrupt: return .finished(.interrupted)
    case .endOfInput:
      if buffer.isEmpty { return .finished(.end) }
      buffer.deleteForward()
    case .clearScreen: return .clearScreen
    case .up: recall(place - 1)
    case .down: recall(place + 1)
    default: edit(key)
    }
    return .edited
  }

  private mutating func edit(_ key: Key) {
    switch key {
    case .backspace: buffer.deleteBackward()
    case .delete: buffer.deleteForward()
    case .left: buffer.moveLeft()
    case .right: buffer.moveRight()
    case .home: buffer.moveHome()
    case .end: buffer.moveEnd()
    case .wordLeft: buffer.moveWordLeft()
    case .wordRight: buffer.moveWordRight()
    case .deleteToEnd: buffer.deleteToEnd()
    case .deleteToStart: buffer.deleteToStart()
    case .deleteWord: buffer.deleteWord()
    default: break
    }
  }

  private mutating func finish() -> String {
    let text = buffer.text
    if !text.isEmpty && text != history.last { history.append(text) }
    if history.count > Self.historyLimit { history.removeFirst() }
    return text
  }

  private mutating func recall(_ wanted: Int) {
    guard (0...history.count).contains(wanted) else { return }
    if place == history.count { draft = buffer }
    place = wanted
    buffer = wanted == history.count ? draft : LineBuffer(history[wanted])
  }
}
