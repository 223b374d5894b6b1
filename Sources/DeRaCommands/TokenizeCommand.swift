import ArgumentParser
import DeRa
import DeRaConsole
import DeRaTokenization

struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize",
    abstract: "Turns text into token ids.",
    discussion: """
      Reads standard input byte for byte (a final newline counts) and prints a JSON array. Special tokens spelled out in \
      the text, such as <|im_start|>, are recognised.

      Examples:
        printf 'Hello world' | dera tokenize model.dera
        dera tokenize model.dera --add-special < prompt.txt
      """)

  @OptionGroup var bundle: BundleArgument
  @Flag(help: "Add the special tokens that the model expects around a text.") var addSpecial = false
  @Flag(help: "Print a JSON object with the ids and the text of each.") var json = false

  func run() throws {
    let tokenizer = try PromptFormat(bundle.open()).tokenizer
    let ids = try tokenizer.encode(try Input.readText(), addSpecial: addSpecial)
    guard json else { return try Output.write("[\(ids.map(String.init).joined(separator: ","))]\n") }
    let texts = ids.map { String(decoding: tokenizer.decode([$0], skipSpecial: false), as: UTF8.self) }
    try Output.write(jsonText(TokenizedText(ids: ids, texts: texts)))
  }
}

/// The ids of a text, and the text of each, as `dera tokenize --json` prints them.
private struct TokenizedText: Encodable {
  var ids: [Int32]
  var texts: [String]
}

struct DetokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detokenize",
    abstract: "Turns token ids into text.",
    discussion: """
      Reads a JSON array, or ids separated by white space, from standard input and writes the text without a final newline.

      Examples:
        echo '[1, 2, 3]' | dera detokenize model.dera
        dera tokenize model.dera < text | dera detokenize model.dera
      """)

  @OptionGroup var bundle: BundleArgument
  @Flag(help: "Leave special tokens out.") var skipSpecial = false
  @Flag(help: "Print a JSON object with the text.") var json = false

  func run() throws {
    let bundle = try bundle.open()
    let tokenizer = try PromptFormat(bundle).tokenizer
    let ids = try TokenList.parse(try Input.readText())
    let size = bundle.configuration.vocabularySize
    if let id = ids.first(where: { $0 < 0 || $0 >= size }) {
      throw StreamError(description: "token id \(id) is not in the vocabulary; ids are 0 to \(size - 1)")
    }
    let text = tokenizer.decode(ids, skipSpecial: skipSpecial)
    guard json else { return try Output.write(bytes: text) }
    try Output.write(jsonText(["text": String(decoding: text, as: UTF8.self)]))
  }
}

/// Lists of token ids as people write them.
package enum TokenList {
  /// Reads `[1, 2, 3]`, or numbers separated by commas or white space.
  /// - Throws: `StreamError` naming the first thing that is no id.
  package static func parse(_ text: String) throws -> [Int32] {
    var words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")[...]
    if words.first == "[" {
      guard words.last == "]" else { throw StreamError(description: "the list of token ids has no closing bracket") }
      words = words.dropFirst().dropLast()
    }
    let separated = words.split(separator: ",", omittingEmptySubsequences: false)
    if separated.count == 1 && separated[0].allSatisfy(\.isWhitespace) { return [] }
    var ids: [Int32] = []
    for part in separated {
      let numbers = part.split(separator: " ")
      guard !numbers.isEmpty else { throw StreamError(description: "the list of token ids has an empty place") }
      for number in numbers {
        guard let id = Int32(number) else {
          throw StreamError(description: "'\(number.prefix(40))' is no token id; give numbers such as [1, 2, 3]")
        }
        ids.append(id)
      }
    }
    return ids
  }
}
