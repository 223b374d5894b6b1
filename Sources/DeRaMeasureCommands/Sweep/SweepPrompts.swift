import DeRa
import DeRaChatTemplate
import DeRaCommands
import DeRaConsole
import DeRaDigest
import DeRaEvaluation
import DeRaTokenization

/// The prompts of a sweep, read from JSON lines.
struct SweepPrompts {
  /// Most prompts of a file.
  static let limit = 1_000_000

  /// The prompts as the header and the report have them.
  let shown: [SweepHeader.Prompt]
  /// Ready for the models, `[prompts]`.
  let tokens: [[Int32]]
  /// The reference prompt of each, where there is one.
  private(set) var references: [[Int32]]?
  /// `[prompts]`, the line of each, for messages.
  let places: [String]
  /// `[prompts]`: the text of each line's prompt; nil for token ids.
  private let texts: [String?]

  /// One line of input.
  private struct Line: Decodable {
    static let members = ["id", "prompt", "system"]

    var id: ScoreID?
    var prompt: TextOrTokens
    var system: String?
  }

  /// The form of a line, for messages about lines that have another.
  private static let form = "a line is {\"prompt\": \"Once upon a time\"}, or {\"prompt\": [12, 7]} for token ids"

  /// - Parameter raw: prompts are continued as they are, without the chat template.
  /// - Throws: `FileError`, `PromptError`, and `StreamError` naming the line.
  init(path: String, bundle: ModelBundle, format: PromptFormat, raw: Bool) throws {
    var shown: [SweepHeader.Prompt] = []
    var tokens: [[Int32]] = []
    var places: [String] = []
    var texts: [String?] = []
    var unknown: Set<String> = []
    try withText(path) { text in
      let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      for (index, bytes) in lines.enumerated() where !bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) {
        let place = "\(sourceName(path)), line \(index + 1)"
        let line: Line
        do { line = try fromJSON(Line.self, Array(bytes), name: place) } catch {
          throw StreamError(description: "\(error); \(Self.form)")
        }
        unknown.formUnion(try unknownMembers(Array(bytes), known: Line.members, name: place))
        let vocabulary = bundle.configuration.vocabularySize
        let (text, ids) = try located(place) { try Self.read(line, format, raw: raw, vocabulary: vocabulary) }
        guard !ids.isEmpty else { throw StreamError(description: "\(place): the prompt has no tokens") }
        shown.append(SweepHeader.Prompt(id: line.id?.text, text: text))
        tokens.append(ids)
        if case .text(let text) = line.prompt { texts.append(text) } else { texts.append(nil) }
        places.append(place)
        guard tokens.count <= Self.limit else {
          throw StreamError(description: "\(sourceName(path)) has more than \(Self.limit) prompts; split it")
        }
      }
    }
    guard !tokens.isEmpty else {
      throw StreamError(
        description: "\(sourceName(path)) has no prompts; give lines such as {\"prompt\": \"Once upon a time\"}")
    }
    if !unknown.isEmpty {
      let names = unknown.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
      Output.note(printable("\(sourceName(path)): \(names) of the prompts is not used."))
    }
    self.shown = shown
    self.tokens = tokens
    self.places = places
    self.texts = texts
  }

  private static func read(
    _ line: Line, _ format: PromptFormat, raw: Bool, vocabulary: Int
  ) throws -> (String, [Int32]) {
    let isPlain = raw || !format.hasTemplate
    switch line.prompt {
    case .tokens(let ids):
      guard line.system == nil else { throw StreamError(description: "token ids go without \"system\"") }
      if let id = ids.first(where: { !(0..<vocabulary).contains(Int($0)) }) {
        throw SessionError.invalidToken(id, vocabularySize: vocabulary)
      }
      return (String(decoding: format.tokenizer.decode(ids, skipSpecial: false), as: UTF8.self), ids)
    case .text(let text) where isPlain:
      guard line.system == nil else {
        throw StreamError(
          description: "\"system\" needs a chat template, and there is none or --raw leaves it out")
      }
      return (text, try format.tokens(text: text))
    case .text(let text):
      let start = line.system.map { [TemplateMessage(role: "system", content: $0)] } ?? []
      return (text, try format.tokens(messages: start + [TemplateMessage(role: "user", content: text)]))
    }
  }

  /// Gives every prompt its reference.
  /// - Throws: `StreamError` where the two lists differ in length, and as `init`.
  mutating func addReferences(
    _ arguments: ReferencePromptArguments, bundle: ModelBundle, format: PromptFormat, raw: Bool
  ) throws {
    guard arguments.isGiven else { return }
    guard let path = arguments.referencePrompt else {
      references = try zip(texts, places).map { text, place in
        guard let text else {
          throw StreamError(
            description: "\(place): token ids have no system prompt to replace; use --reference-prompt")
        }
        let line = Line(prompt: .text(text), system: arguments.referenceSystem)
        return try located(place) {
          try Self.read(line, format, raw: raw, vocabulary: bundle.configuration.vocabularySize).1
        }
      }
      return
    }
    let others = try SweepPrompts(path: path, bundle: bundle, format: format, raw: raw)
    guard others.tokens.count == tokens.count else {
      throw StreamError(
        description:
          "\(sourceName(path)) has \(others.tokens.count) prompts, and there are \(tokens.count) to go with; "
          + "give one reference prompt for each, in the same order")
    }
    references = others.tokens
  }

  /// Tells lists of prompts apart.
  var fingerprint: String { Self.fingerprint(of: tokens) }

  /// The same of the reference prompts.
  var referenceFingerprint: String? { references.map(Self.fingerprint) }

  private static func fingerprint(of tokens: [[Int32]]) -> String {
    let ids: [Int32] = tokens.flatMap { [Int32(-1)] + $0 }
    return ids.map(\.littleEndian).withUnsafeBytes(SHA256.hexadecimal(of:))
  }
}

extension ScoreID {
  var text: String {
    switch self {
    case .number(let number): "\(number)"
    case .text(let text): text
    }
  }
}

/// Phrases that mark an answer as a refusal, one a line; letters' case does not count.
struct RefusalList {
  private let phrases: [String]
  let fingerprint: String

  /// - Throws: `FileError`, and `StreamError` for a list without phrases.
  init(path: String) throws {
    let text = try readText(path)
    let lines = text.split(whereSeparator: \.isNewline).map { $0.lowercased() }
    phrases = lines.filter { !$0.allSatisfy(\.isWhitespace) }
    guard !phrases.isEmpty else { throw StreamError(description: "\(path) has no phrases; give one a line") }
    fingerprint = Array(phrases.joined(separator: "\n").utf8).withUnsafeBytes(SHA256.hexadecimal(of:))
  }

  func matches(_ answer: String) -> Bool {
    let answer = answer.lowercased()
    return phrases.contains { answer.contains($0) }
  }
}
