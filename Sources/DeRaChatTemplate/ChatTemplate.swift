/// A model's chat template: a Jinja program that turns a conversation into the prompt the model was trained on.
///
/// The language is the part of Jinja 2 that chat templates use, with the settings `transformers` renders them with:
/// `trim_blocks`, `lstrip_blocks`, `break` and `continue`, values that cannot be changed in place. `undefined` prints
/// as nothing and is an error once an attribute of it is asked for. Filters that are lazy in Python (`map`, `select`
/// and so on) give lists here, and `escape` gives plain text.
package struct ChatTemplate: Sendable {
  private let statements: [Statement]

  /// Parses `source`.
  /// - Throws: `TemplateError` when it is malformed, uses a tag that is not supported, or reaches one of the limits
  ///   `source` and `nesting`.
  package init(source: String, limits: TemplateLimits = TemplateLimits()) throws(TemplateError) {
    statements = try Parser.statements(of: source, limits: limits)
  }

  /// The prompt for `messages`.
  /// - Parameters:
  ///   - addGenerationPrompt: ends the prompt with the header of the assistant's answer.
  ///   - variables: further variables, such as `bos_token` and `tools`. `tools` and `documents` are none by default.
  ///   - now: the time that `strftime_now` formats; without it the function is undefined, as in older versions of
  ///     `transformers`, and templates fall back on a date of their own.
  /// - Throws: `TemplateError`; one of kind `.raised` carries what the template says is wrong with the conversation.
  package func render(
    messages: [TemplateMessage], addGenerationPrompt: Bool, variables: [String: TemplateValue] = [:],
    now: TemplateDate? = nil, limits: TemplateLimits = TemplateLimits()
  ) throws(TemplateError) -> RenderedPrompt {
    var conversation: [String: TemplateValue] = ["tools": .none, "documents": .none]
    conversation["messages"] = .array(messages.map { .dictionary($0.visibleFields) })
    var all = variables
    for name in conversation.keys {
      if let given = all.removeValue(forKey: name) { conversation[name] = given }
    }
    if all["add_generation_prompt"] == nil { all["add_generation_prompt"] = .bool(addGenerationPrompt) }
    let interpreter = Interpreter(meter: Meter(limits: limits), now: now)
    return RenderedPrompt(try interpreter.render(statements, variables: all, conversation: conversation))
  }
}

/// A prompt, and which parts of it come from the conversation rather than from the template.
package struct RenderedPrompt: Sendable, Equatable {
  package let text: String
  /// Ranges of `text`'s UTF-8 bytes, ascending and apart from each other.
  package let content: [Range<Int>]

  /// A prompt that is all template.
  package init(text: String) {
    self.text = text
    content = []
  }

  private init(text: String, content: [Range<Int>]) {
    self.text = text
    self.content = content
  }

  /// The text before the last `mark`; nil where there is none.
  package func before(_ mark: String) -> RenderedPrompt? {
    guard let place = text.ranges(of: mark).last?.lowerBound else { return nil }
    let end = text.utf8.distance(from: text.startIndex, to: place)
    return RenderedPrompt(
      text: String(text[..<place]),
      content: content.compactMap { $0.lowerBound < end ? $0.lowerBound..<min($0.upperBound, end) : nil })
  }

  init(_ text: Text) {
    self.text = text.string
    var ranges: [Range<Int>] = []
    var position = 0
    for character in text {
      let end = position + UTF8.width(character.scalar)
      if character.isContent {
        if let last = ranges.indices.last, ranges[last].upperBound == position {
          ranges[last] = ranges[last].lowerBound..<end
        } else {
          ranges.append(position..<end)
        }
      }
      position = end
    }
    content = ranges
  }
}

/// One turn of a conversation.
package struct TemplateMessage: Sendable, Equatable {
  /// The fields that the template sees: `role`, `content` and whatever else was set, such as `tool_calls`.
  package var fields: TemplateDictionary

  package init(role: String, content: String) {
    self.init(role: role, content: .string(content))
  }

  /// A message whose content is not plain text: none, or a list of parts.
  package init(role: String, content: TemplateValue) {
    self.init(fields: ["role": .string(role), "content": content])
  }

  package init(fields: TemplateDictionary) {
    self.fields = fields
  }

  /// The fields, with the thoughts of an answer under every name that templates read, as `transformers` passes them.
  var visibleFields: TemplateDictionary {
    let thoughts = ["reasoning_content", "thinking", "reasoning"].compactMap { fields[$0] }.first { $0 != .none }
    guard let thoughts else { return fields }
    var visible: TemplateDictionary = ["thinking": thoughts]
    for (key, value) in fields.entries { visible[key] = value }
    visible["reasoning_content"] = thoughts
    return visible
  }
}
