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
  package func tokens(text: String) throws -> [Int32] { try tokenizer.encode(text, addSpecial: true) }

  /// A conversation ready for the next answer. Without a template the messages' contents are joined as they are.
  package func tokens(messages: [TemplateMessage]) throws -> [Int32] {
    guard let layout else {
      var text = ""
      for message in messages {
        switch message.fields["content"] {
        case .string(let content)?: text += content
        case .array(let parts)?: text += try TextParts.joined(parts)
        default: break
        }
      }
      return try tokenizer.encode(text, addSpecial: true, parseSpecial: parsesSpecial)
    }
    let prompt = try layout.prompt(for: messages)
    // The template writes the special tokens itself.
    return try tokenizer.encode(prompt.text, addSpecial: false, content: parsesSpecial ? [] : prompt.content)
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
