import DeRaChatTemplate
import DeRaTokenization

/// A token that ends an answer although no file declares it as such.
package struct AnswerEnd: Sendable, Equatable {
  package enum Reason: Sendable, Equatable {
    /// The chat template writes it after an assistant's turn.
    case template
    /// Its name means the end of a turn or text in the models that have it.
    case name
  }

  package var id: Int32
  package var token: String
  package var reason: Reason

  /// A sentence for the user.
  package var description: String {
    let why =
      switch reason {
      case .template: "the chat template writes it after an assistant's turn"
      case .name: "tokens of that name end a turn or a text in other models"
      }
    return "\(token) (token \(id)) ends answers, too, because \(why)"
  }
}

extension AnswerEnd {
  /// Names of control tokens that end a turn or a text, whatever model has them.
  /// Source: llama.cpp, `llama-vocab.cpp`, the list that fills `special_eog_ids`; the names of the gpt-oss and Solar
  /// Open families, which do not run here, are left out.
  static let names = [
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>", "</s>", "<EOT>", "_<EOT>",
    "[EOT]", "[EOS]", "<|end_of_text|>", "<end_of_utterance>", "<eos>",
  ]

  /// Ends that `declared` does not have: the token that the template writes after an answer, then known names.
  package static func all(
    _ tokenizer: Tokenizer, layout: ConversationLayout?, declared: some Sequence<Int>
  ) -> [AnswerEnd] {
    var known = Set(declared)
    var ends: [AnswerEnd] = []
    func add(_ id: Int32?, _ reason: Reason) {
      guard let id, known.insert(Int(id)).inserted else { return }
      ends.append(AnswerEnd(id: id, token: String(decoding: tokenizer.piece(of: id), as: UTF8.self), reason: reason))
    }
    add(layout.flatMap { afterAnswer($0, tokenizer) }, .template)
    for name in names { add(tokenizer.addedID(of: Array(name.utf8)), .name) }
    return ends
  }

  /// The special token that stands first after an assistant's turn, white space apart; nil when the template writes none
  /// or does not take a conversation of two turns.
  private static func afterAnswer(_ layout: ConversationLayout, _ tokenizer: Tokenizer) -> Int32? {
    let answer = "Quartz-answer-7"
    let messages = [
      TemplateMessage(role: "user", content: "Hello"), TemplateMessage(role: "assistant", content: answer),
    ]
    guard
      let text = try? layout.prompt(for: messages, addGenerationPrompt: false).text,
      let place = text.ranges(of: answer).last
    else { return nil }
    let rest = text[place.upperBound...].drop(while: \.isWhitespace)
    guard let id = try? tokenizer.encode(String(rest), addSpecial: false).first else { return nil }
    return tokenizer.isSpecial(id) || tokenizer.addedID(of: tokenizer.piece(of: id)) == id ? id : nil
  }
}
