/// Tells calls from text as an answer comes, in the forms that families write them: `<tool_call>{…}</tool_call>` (Hermes,
/// Qwen), an answer that is one JSON object (Llama 3, generic) or a list of them, perhaps after `[TOOL_CALLS]` (Mistral).
struct ToolCallFilter: Sendable {
  enum Piece: Sendable, Equatable {
    case text(String)
    case call(ToolCall)
  }

  private enum State {
    /// Nothing but white space and marks has come.
    case beginning
    /// Text that may be the JSON of a call and is held until the end.
    case json
    case text
    /// Between `<tool_call>` and its end.
    case call
  }

  private static let opening = "<tool_call>"
  private static let closing = "</tool_call>"
  private static let marks = ["[TOOL_CALLS]", "<|python_tag|>", "```json", "```"]

  private let names: Set<String>
  private var state = State.beginning
  /// Not decided yet.
  private var held = ""

  init(names: [String]) { self.names = Set(names) }

  mutating func append(_ text: String) -> [Piece] {
    held += text
    var pieces: [Piece] = []
    while let more = step() { pieces += more }
    return pieces
  }

  /// The text that was held back, at the end.
  mutating func finish() -> [Piece] {
    defer { held = "" }
    switch state {
    case .json:
      var text = Self.unmarked(held)
      if text.hasSuffix("```") { text = text.dropLast(3) }
      if let calls = ToolCall.all(in: text, names: names) { return calls.map(Piece.call) }
    case .call:
      if let calls = ToolCall.all(in: held, names: names) { return calls.map(Piece.call) }
      held = Self.opening + held
    case .beginning, .text: break
    }
    return held.isEmpty ? [] : [.text(held)]
  }

  /// Decides about the beginning of what is held; nil when more must come first.
  private mutating func step() -> [Piece]? {
    guard !held.isEmpty else { return nil }
    switch state {
    case .json: return nil
    case .beginning: return begin()
    case .text: return showText()
    case .call:
      guard let end = held.ranges(of: Self.closing).first else { return nil }
      let body = held[..<end.lowerBound]
      let calls = ToolCall.all(in: body, names: names)
      let pieces = calls?.map(Piece.call) ?? [.text(Self.opening + body + Self.closing)]
      // White space between calls is no text.
      held = String(held[end.upperBound...].drop(while: \.isWhitespace))
      state = .text
      return pieces
    }
  }

  private mutating func begin() -> [Piece]? {
    let text = held.drop(while: \.isWhitespace)
    if text.isEmpty || Self.marks.contains(where: { $0.hasPrefix(text) }) { return nil }
    let rest = Self.unmarked(held)
    if rest.isEmpty { return nil }
    state = rest.hasPrefix("{") || rest.hasPrefix("[") ? .json : .text
    return state == .json ? nil : []
  }

  /// Lets text through up to what may be the beginning of a call.
  private mutating func showText() -> [Piece]? {
    if let start = held.ranges(of: Self.opening).first {
      let before = held[..<start.lowerBound]
      held = String(held[start.upperBound...])
      state = .call
      return before.allSatisfy(\.isWhitespace) ? [] : [.text(String(before))]
    }
    let kept = (0..<Self.opening.count).last { held.hasSuffix(Self.opening.prefix($0)) } ?? 0
    let shown = held.dropLast(kept)
    guard !shown.isEmpty else { return nil }
    held = String(held.suffix(kept))
    return [.text(String(shown))]
  }

  /// The text without white space and marks at the beginning.
  private static func unmarked(_ text: String) -> Substring {
    var rest = text.drop(while: \.isWhitespace)
    while let mark = marks.first(where: { rest.hasPrefix($0) }) {
      rest = rest.dropFirst(mark.count).drop(while: \.isWhitespace)
    }
    return rest
  }
}
