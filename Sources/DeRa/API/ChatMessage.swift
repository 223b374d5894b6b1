import DeRaChatTemplate

/// One turn of a conversation.
public struct ChatMessage: Sendable, Hashable {
  /// Who speaks: `system`, `user`, `assistant`, or another role that the model's template knows.
  public var role: String
  /// The text of the turn.
  public var content: String

  /// A turn of any role.
  public init(role: String, content: String) {
    self.role = role
    self.content = content
  }

  /// Instructions for the whole conversation.
  public static func system(_ content: String) -> ChatMessage { ChatMessage(role: "system", content: content) }
  /// A turn of the user.
  public static func user(_ content: String) -> ChatMessage { ChatMessage(role: "user", content: content) }
  /// A turn of the model.
  public static func assistant(_ content: String) -> ChatMessage { ChatMessage(role: "assistant", content: content) }

  var forTemplate: TemplateMessage { TemplateMessage(role: role, content: content) }
}

/// The question of an answer: plain text to be continued, a conversation, or token ids. A string literal is plain text.
public enum Prompt: Sendable, Hashable {
  /// A text that the answer goes on with, outside of any chat template; special tokens spelled out in it count as such.
  case text(String)
  /// A conversation, laid out by the model's chat template for its next answer; special tokens spelled out in messages are
  /// text. Without a template (`ModelBundle.hasChatTemplate`) the messages' texts are joined as they are.
  case chat([ChatMessage])
  /// Token ids, given to the models as they are.
  case tokens([Int32])
}

extension Prompt: ExpressibleByStringLiteral {
  /// Text to be continued.
  public init(stringLiteral value: String) { self = .text(value) }
}
