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
  private var isKept = true
  /// The text that Ctrl-R looks for; nil while nothing is looked for.
  private var sought: String?

  package static let historyLimit = 1000

  /// - Parameter history: lines of before, oldest first.
  package init(history: [String] = []) { self.history = history.suffix(Self.historyLimit) }

  /// - Parameter isKept: whether the line becomes part of the history.
  package mutating func startLine(isKept: Bool = true) {
    self.isKept = isKept
    buffer = LineBuffer()
    place = history.count
    isPasting = false
    sought = nil
  }

  /// Shown in the prompt's place while the history is searched.
  package var searchPrompt: String? { sought.map { "(search '\($0)') " } }

  package mutating func press(_ key: Key) -> LineEvent {
    if sought != nil, let event = pressWhileSearching(key) { return event }
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
    case .search:
      if place == history.count { draft = buffer }
      sought = ""
    default: edit(key)
    }
    return .edited
  }

  /// - Returns: nil for a key that ends the search and then has its usual effect on the line that was found.
  private mutating func pressWhileSearching(_ key: Key) -> LineEvent? {
    guard let text = sought else { return nil }
    switch key {
    case .text(let scalar):
      sought = text + String(Character(scalar))
      find(from: place)
    case .backspace:
      sought = String(text.unicodeScalars.dropLast())
      find(from: history.count - 1)
    case .search: find(from: place - 1)
    case .interrupt, .cancel:
      sought = nil
      recall(history.count)
    default:
      sought = nil
      return nil
    }
    return .edited
  }

  /// Takes the newest line at `index` or before that has the text; stays where it is when none has.
  private mutating func find(from index: Int) {
    guard let text = sought, !text.isEmpty else { return }
    let start = min(index, history.count - 1)
    guard start >= 0, let found = history[...start].lastIndex(where: { $0.contains(text) }) else { return }
    place = found
    buffer = LineBuffer(history[found])
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
    if isKept && !text.isEmpty && text != history.last { history.append(text) }
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
