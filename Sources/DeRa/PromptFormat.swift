import DeRaBundle
import DeRaChatTemplate
import DeRaPrompting
import DeRaTokenization

/// Turns text and conversations into a bundle's token ids.
package struct PromptFormat: Sendable {
  package let tokenizer: Tokenizer
  /// Whether special tokens spelled out in messages are taken for special tokens. They are a message's text otherwise:
  /// whoever writes a message cannot end it or speak for another role.
  package let parsesSpecial: Bool
  private let layout: ConversationLayout?
  /// Tokens that end an answer besides the bundle's, because the template is not the bundle's.
  package let furtherEnds: [AnswerEnd]
  /// Most tokens of a prompt. A text whose length alone says that it has more is refused before it becomes tokens, which
  /// would take seconds where it is huge.
  package var tokenLimit = Int.max

  /// - Parameter template: Jinja, instead of the bundle's own template.
  /// - Throws: `PromptError.noTokenizer`, or `TemplateError` when the template is malformed.
  package init(_ bundle: ModelBundle, template: String? = nil, parsesSpecial: Bool = false) throws {
    guard let tokenizer = bundle.tokenizer else { throw PromptError.noTokenizer(path: bundle.path) }
    self.tokenizer = tokenizer
    self.parsesSpecial = parsesSpecial
    layout = try (template ?? bundle.manifest.chatTemplate).map { source throws(TemplateError) in
      try ConversationLayout(source: source, specialTokens: tokenizer.specialTokens)
    }
    furtherEnds =
      template == nil ? [] : AnswerEnd.all(tokenizer, layout: layout, declared: bundle.manifest.endOfTextIDs)
  }

  /// Whether conversations are laid out by the model's own template.
  package var hasTemplate: Bool { layout != nil }

  /// Plain text, with the special tokens the model expects around it. Special tokens spelled out in it count as such: that
  /// is how a prompt is laid out by hand.
  /// - Throws: `GenerationError.textTooLong`, `TokenizerError`.
  package func tokens(text: String) throws -> [Int32] {
    try checkLength(text)
    return try tokenizer.encode(text, addSpecial: true)
  }

  private func checkLength(_ text: String) throws(GenerationError) {
    let bytes = text.utf8.count
    guard bytes > tokenLimit else { return }
    let tokens = tokenizer.leastTokens(bytes: bytes)
    guard tokens <= tokenLimit else { throw .textTooLong(leastTokens: tokens, contextLength: tokenLimit) }
  }

  /// A conversation ready for the next answer. Without a template the messages' contents are joined as they are.
  package func tokens(messages: [TemplateMessage]) throws -> [Int32] { try tokens(of: prompt(for: messages)) }

  /// The text of a conversation ready for the next answer.
  /// - Parameters:
  ///   - continuesLast: the last message is the beginning of the answer.
  ///   - variables: for the template, such as `tools`.
  /// - Throws: `TemplateError`.
  package func prompt(
    for messages: [TemplateMessage], continuesLast: Bool = false, variables: [String: TemplateValue] = [:]
  ) throws -> RenderedPrompt {
    guard let layout else { return RenderedPrompt(text: try messages.map(Self.text).joined()) }
    guard continuesLast, let last = messages.last else { return try layout.prompt(for: messages, variables: variables) }
    // The template ends a message in its own way, so the place where the text ends is marked.
    var marked = messages
    marked[marked.count - 1].fields["content"] = .string(try Self.text(last) + Self.mark)
    let whole = try layout.prompt(for: marked, addGenerationPrompt: false, variables: variables)
    guard let begun = whole.before(Self.mark) else {
      throw TemplateError(
        kind: .value, line: 0, message: "the template does not show the last message, so it cannot be continued")
    }
    return begun
  }

  /// The ids of a conversation that was laid out.
  /// - Throws: `GenerationError.textTooLong`, `TokenizerError`.
  package func tokens(of prompt: RenderedPrompt) throws -> [Int32] {
    try checkLength(prompt.text)
    guard layout != nil else { return try tokenizer.encode(prompt.text, addSpecial: true, parseSpecial: parsesSpecial) }
    // The template writes the special tokens itself.
    return try tokenizer.encode(prompt.text, addSpecial: false, content: parsesSpecial ? [] : prompt.content)
  }

  private static let mark = "\u{2063}quartz-end-7\u{2063}"

  private static func text(_ message: TemplateMessage) throws -> String {
    switch message.fields["content"] {
    case .string(let content)?: content
    case .array(let parts)?: try TextParts.joined(parts)
    default: ""
    }
  }
}

/// Why text cannot become tokens.
package enum PromptError: Error, Equatable, CustomStringConvertible {
  case noTokenizer(path: String)

  package var description: String {
    switch self {
    case .noTokenizer(let path):
      "\(path) has no tokenizer; convert it again from a checkpoint that has one (tokenizer.json, tokenizer.model or GGUF)"
    }
  }
}
