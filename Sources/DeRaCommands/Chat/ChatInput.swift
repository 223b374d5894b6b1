import DeRa
import DeRaText

/// The meaning of a line typed into the chat.
package enum ChatInput: Equatable {
  case message(String)
  case lambda(Realignment)
  /// The λ in use.
  case showLambda
  /// The same text at several λ; without a text, the last message again.
  case compare([Realignment], String)
  /// A setting's name and value; an empty value shows it, an empty name shows all.
  case set(name: String, value: String)
  /// nil shows the system prompt, an empty one removes it.
  case system(String?)
  case undo, regenerate, reset, help, quit
  case save(String)
  case load(String)
  case nothing

  /// Marks the beginning and the end of a message of several lines.
  package static let quotes = "\"\"\""

  /// - Throws: `ChatInputError` or `RealignmentError`, to be shown to the user.
  package static func parse(_ line: String, _ voices: ChatVoices) throws -> ChatInput {
    let text = line.drop(while: \.isWhitespace)
    guard text.first == "/" else { return text.isEmpty ? .nothing : .message(line) }
    if text.hasPrefix("//") { return .message(String(text.dropFirst())) }
    let (name, rest) = firstWord(text)
    let argument = trimmed(rest)
    switch name {
    case "/lambda": return argument.isEmpty ? .showLambda : .lambda(try onePoint(argument, voices))
    case "/compare": return try parseCompare(rest, voices)
    case "/set":
      let (setting, value) = firstWord(rest)
      return .set(name: setting, value: trimmed(value))
    case "/system": return .system(argument.isEmpty ? nil : argument == "\"\"" ? "" : argument)
    case "/save", "/load":
      guard !argument.isEmpty else { throw ChatInputError(description: "\(name) needs a file name") }
      return name == "/save" ? .save(argument) : .load(argument)
    default:
      guard let input = plain[name] else {
        let nearest = nearestWord(to: name, among: commands).map { "did you mean \($0)? " } ?? ""
        throw ChatInputError(
          description:
            "there is no command \(name); \(nearest)/help lists them, // at the start sends a line that begins with /")
      }
      return input
    }
  }

  private static var commands: [String] {
    ["/lambda", "/compare", "/set", "/system", "/save", "/load"] + plain.keys.sorted()
  }

  private static let plain: [String: ChatInput] = [
    "/undo": .undo, "/regenerate": .regenerate, "/reset": .reset, "/help": .help, "/?": .help, "/quit": .quit,
    "/exit": .quit, "/bye": .quit,
  ]

  private static func onePoint(_ text: String, _ voices: ChatVoices) throws -> Realignment {
    let points = try voices.points(text)
    guard points.count == 1 else {
      throw ChatInputError(description: "an answer has one λ; /compare \(text) shows several")
    }
    return points[0]
  }

  /// Begins the text of /compare where it would be taken for λ.
  private static let textMark = "--"

  /// Points up to the first word that does not look like one, then the text.
  private static func parseCompare(_ text: Substring, _ voices: ChatVoices) throws -> ChatInput {
    var rest = text
    var points: [Realignment] = []
    while true {
      let (word, after) = firstWord(rest)
      if word == textMark { rest = after }
      guard looksLikeLambda(word, voices) else { break }
      do throws(RealignmentError) {
        points += try voices.points(word)
      } catch {
        throw ChatInputError(
          description:
            "\(error). Where it begins the text, write \(textMark) before it: /compare 0 1 \(textMark) \(word) …")
      }
      rest = after
    }
    guard !points.isEmpty else {
      throw ChatInputError(
        description: "/compare needs λ values first: /compare 0 0.5 1 2 Tell me a story, or /compare 0:2:0.5 …")
    }
    return .compare(points.folded.points, trimmed(rest))
  }

  /// Whether a word is meant as a point of λ, right or wrong: some part of it is a number or is given to a model. `NaN` and
  /// `Infinity` are words.
  private static func looksLikeLambda(_ word: String, _ voices: ChatVoices) -> Bool {
    word.split { ";,:".contains($0) }.contains { part in
      let equals = part.lastIndex(of: "=")
      if let equals, voices.names.contains(String(part[..<equals])) { return true }
      let value = equals.map { part[part.index(after: $0)...] } ?? part
      return Float(value) != nil && value.contains { $0.isNumber }
    }
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
    /compare L L… TEXT  answer TEXT by itself at several λ (0 0.5 1 or 0:2:0.5; -- before a TEXT that begins with a
                        number); without TEXT the last message again, in its place; the conversation stays as it is
    /set NAME VALUE     change how answers are drawn: temperature, top-k, seed, … (alone: show all)
    /system TEXT        use another system prompt (alone: show it; "" removes it)
    /regenerate         answer the last message again
    /undo               forget the last message and its answer
    /reset              forget the conversation
    /save FILE          write the conversation, λ and seed as JSON, compressed if FILE ends with .lz4
    /load FILE          go on with a saved conversation
    /help               this list
    /bye                leave (or /quit, Ctrl-D)
    \"\"\" begins and ends a message of several lines. Ctrl-C stops an answer. // at the start of a line sends a line
    that begins with /.
    """
}

/// The parts that λ may be of.
package struct ChatVoices {
  /// Names of the aligned models.
  let models: [String]
  /// Whether λ may be the prompt's.
  let hasReferencePrompt: Bool

  package init(models: [String], hasReferencePrompt: Bool = false) {
    self.models = models
    self.hasReferencePrompt = hasReferencePrompt
  }

  var names: [String] { models + (hasReferencePrompt ? [Realignment.promptName] : []) }

  func points(_ text: String) throws(RealignmentError) -> [Realignment] {
    try Realignment.parsePoints(text, models: models, hasReferencePrompt: hasReferencePrompt)
  }

  func text(of realignment: Realignment) -> String {
    realignment.description(models: models, hasReferencePrompt: hasReferencePrompt)
  }
}

/// A chat command that cannot be done, and why.
package struct ChatInputError: Error, Equatable, CustomStringConvertible {
  package let description: String
}
