import DeRaChatTemplate
import DeRaPlatform

/// A chat template with what it needs to lay out conversations. Conversion tries templates with it and the runtime answers
/// with it, so that a template has the same variables and functions in both.
package struct ConversationLayout: Sendable {
  /// Forms of a message's content: a text, or a list of parts such as `{"type": "text", "text": …}`.
  private enum ContentForm { case asGiven, text, parts }

  private let template: ChatTemplate
  private let specialTokens: [String: String]
  /// The only form that the template reads, found by trying.
  private var contentForm = ContentForm.asGiven

  /// - Parameters:
  ///   - source: Jinja.
  ///   - specialTokens: texts by the names that templates have for them (`bos_token`).
  /// - Throws: `TemplateError` when the template is malformed.
  package init(source: String, specialTokens: [String: String]) throws(TemplateError) {
    template = try ChatTemplate(source: source)
    self.specialTokens = specialTokens
    switch (shows(.string(Self.sample)), shows([["type": "text", "text": .string(Self.sample)]])) {
    case (true, false): contentForm = .text
    case (false, true): contentForm = .parts
    default: break
    }
  }

  /// The prompt for `messages` at a time, the local one unless another is given. A content that the template cannot read is given to it in the other form:
  /// text parts as one text, a part a line, or a text as one part.
  /// - Parameter variables: for the template besides its special tokens, such as `tools`.
  /// - Throws: `TemplateError`.
  package func prompt(
    for messages: [TemplateMessage], addGenerationPrompt: Bool = true, now: TemplateDate? = nil,
    variables: [String: TemplateValue] = [:]
  ) throws(TemplateError) -> RenderedPrompt {
    var shown: [TemplateMessage] = []
    for message in messages { shown.append(try adapted(message)) }
    return try template.render(
      messages: shown, addGenerationPrompt: addGenerationPrompt,
      variables: specialTokens.mapValues(TemplateValue.string).merging(variables) { $1 }, now: now ?? .current)
  }

  /// Renders a made-up conversation: a template that runs away does so here and not at the first chat.
  /// - Throws: `TemplateError`. One that is not of kind `.limit` may be about this conversation only.
  package func tryOut() throws(TemplateError) {
    let turns = [("user", "Hello"), ("assistant", "Hi"), ("user", "Bye")]
    _ = try prompt(for: turns.map { TemplateMessage(role: $0.0, content: $0.1) })
  }

  // MARK: Forms of content

  private static let sample = "Quartz-7"

  /// Whether a content comes out as its text, not as Python or JSON would write the list.
  private func shows(_ content: TemplateValue) -> Bool {
    guard
      let text = try? template.render(
        messages: [TemplateMessage(role: "user", content: content)], addGenerationPrompt: true,
        variables: specialTokens.mapValues(TemplateValue.string), now: .current
      ).text, let place = text.ranges(of: Self.sample).first
    else { return false }
    return !text[..<place.lowerBound].hasSuffix("'") && !text[..<place.lowerBound].hasSuffix("\"")
  }

  private func adapted(_ message: TemplateMessage) throws(TemplateError) -> TemplateMessage {
    var message = message
    switch (contentForm, message.fields["content"]) {
    case (.text, .array(let parts)?): message.fields["content"] = .string(try TextParts.joined(parts))
    case (.parts, .string(let text)?): message.fields["content"] = [["type": "text", "text": .string(text)]]
    default: break
    }
    return message
  }
}

/// Contents that are lists of parts.
package enum TextParts {
  /// The texts, each on lines of its own, as llama.cpp joins them.
  /// - Throws: `TemplateError` for a part that is no text.
  package static func joined(_ parts: [TemplateValue]) throws(TemplateError) -> String {
    var texts: [String] = []
    for part in parts {
      guard case .dictionary(let fields) = part, case .string(let text)? = fields["text"] else {
        throw TemplateError(kind: .value, line: 0, message: "a message has a part that is no text")
      }
      texts.append(text)
    }
    return texts.joined(separator: "\n")
  }
}

extension TemplateDate {
  /// The local date and time.
  fileprivate static var current: TemplateDate? {
    var now = time(nil)
    var parts = tm()
    guard localtime_r(&now, &parts) != nil else { return nil }
    return TemplateDate(
      year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday), hour: Int(parts.tm_hour),
      minute: Int(parts.tm_min), second: min(Int(parts.tm_sec), 59))
  }
}
