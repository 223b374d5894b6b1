import DeRa

/// The meaning of a line typed into the chat.
package enum ChatInput: Equatable {
  case message(String)
  case lambda(Realignment)
  /// The λ in use.
  case showLambda
  /// The same text at several λ; without a text, the last message again.
  case compare([Realignment], String)
  case reset, help, quit
  case save(String)
  case load(String)
  case nothing

  /// - Parameter models: names of the aligned models.
  /// - Throws: `ChatInputError` or `RealignmentError`, to be shown to the user.
  package static func parse(_ line: String, models: [String]) throws -> ChatInput {
    let text = line.drop(while: \.isWhitespace)
    guard text.first == "/" else { return text.isEmpty ? .nothing : .message(line) }
    if text.hasPrefix("//") { return .message(String(text.dropFirst())) }
    let (name, rest) = firstWord(text)
    let argument = trimmed(rest)
    switch name {
    case "/lambda":
      return argument.isEmpty ? .showLambda : .lambda(try Realignment.parse(argument, models: models))
    case "/compare": return try parseCompare(rest, models)
    case "/reset": return .reset
    case "/help", "/?": return .help
    case "/quit", "/exit": return .quit
    case "/save", "/load":
      guard !argument.isEmpty else { throw ChatInputError(description: "\(name) needs a file name") }
      return name == "/save" ? .save(argument) : .load(argument)
    default:
      throw ChatInputError(
        description: "there is no command \(name); /help lists them, // at the start sends a line that begins with /")
    }
  }

  /// λ values up to the first word that is none, then the text.
  private static func parseCompare(_ text: Substring, _ models: [String]) throws -> ChatInput {
    var rest = text
    var points: [Realignment] = []
    while true {
      let (word, after) = firstWord(rest)
      guard !word.isEmpty, let point = try? Realignment.parse(word, models: models) else { break }
      points.append(point)
      rest = after
    }
    guard !points.isEmpty else {
      throw ChatInputError(description: "/compare needs λ values first: /compare 0 0.5 1 2 Tell me a story")
    }
    return .compare(points, trimmed(rest))
  }

  private static func firstWord(_ text: Substring) -> (String, Substring) {
    let start = text.drop(while: \.isWhitespace)
    let word = start.prefix { !$0.isWhitespace }
    return (String(word), start.dropFirst(word.count))
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text.drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }

  package static let helpText = """
    /lambda L           use another λ from the next answer on (alone: show it)
    /compare L L… TEXT  answer TEXT (or the last message) at several λ, apart from the conversation
    /reset              forget the conversation
    /save FILE          write the conversation, λ and seed as JSON, compressed if FILE ends with .lz4
    /load FILE          go on with a saved conversation
    /help               this list
    /quit               leave (or Ctrl-D)
    Ctrl-C stops an answer. // at the start of a line sends a line that begins with /.
    """
}

/// A chat command that cannot be done, and why.
package struct ChatInputError: Error, Equatable, CustomStringConvertible {
  package let description: String
}
