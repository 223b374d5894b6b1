import ArgumentParser
import DeRa
import DeRaChatTemplate
import DeRaConsole
import DeRaPlatform

/// A second prompt for the same models, which λ blends with the prompt.
package struct ReferencePromptArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Blend what follows the prompt with what follows a reference prompt: the same conversation with this system prompt. \
      --lambda is then the prompt's strength: 0 is the reference prompt, 1 (the default) the prompt, 1.5 follows it more \
      strictly; beyond 2 facts go wrong. With aligned models, name it: --lambda dpo=0.7,prompt=1.5. Keys and values take \
      twice the memory.
      """, valueName: "text"))
  package var referenceSystem: String?

  @Flag(help: "The same with a reference conversation that has no system prompt.")
  package var referenceWithoutSystem = false

  @Option(
    help: ArgumentHelp(
      """
      The same with the text in this file, such as the question without its context, in place of the prompt; in a chat, in \
      place of its first message; in a sweep, with a file of as many prompts.
      """, valueName: "file"))
  package var referencePrompt: String?

  package init() {}

  package func validate() throws {
    let count = [referenceSystem != nil, referenceWithoutSystem, referencePrompt != nil].count { $0 }
    if count > 1 {
      throw ValidationError(
        "--reference-system, --reference-without-system and --reference-prompt exclude each other")
    }
  }

  /// Whether there is a reference prompt.
  package var isGiven: Bool { referenceSystem != nil || referenceWithoutSystem || referencePrompt != nil }

  /// The system prompt of the reference, for which a template is needed; empty where it is to have none.
  package var wantedSystem: String? { referenceSystem ?? (referenceWithoutSystem ? "" : nil) }

  /// The reference prompt's parts.
  /// - Parameters: those of the prompt.
  package func parts(system: String?, text: String) throws -> (system: String?, text: String) {
    if let text = try fileText() { return (system, text) }
    return (referenceSystem, text)
  }

  /// The text of the reference prompt's file, if there is one.
  package func fileText() throws -> String? {
    try referencePrompt.map { path in
      Input.withoutFinalNewline(try withText(path) { try utf8Text($0, path: sourceName(path)) })
    }
  }

  /// The state of the reference prompt, in words.
  package var state: String {
    referencePrompt.map { "from \(printable($0))" } ?? referenceSystem.map { "system prompt \"\(printable($0))\"" }
      ?? "no system prompt"
  }

  /// Tells of what the two prompts are, and of what makes one of them useless.
  package func note(_ realignment: Realignment, prompt: [Int32], reference: [Int32]) {
    Output.note("Reference prompt: \(reference.count) tokens, \(state). Prompt: \(prompt.count) tokens.")
    if prompt == reference {
      Output.note("The two prompts are the same, so λ of the prompt has no effect.")
    } else if let remark = Self.remark(realignment) {
      Output.note(remark)
    }
  }

  /// A warning about λ of the prompt; nil where it needs none.
  package static func remark(_ realignment: Realignment) -> String? {
    if realignment.prompt == 1 { return "λ of the prompt is 1, so the reference prompt has no effect; try 1.5." }
    return realignment.prompt > 2
      ? "λ of the prompt is above 2, where answers follow the prompt but facts go wrong." : nil
  }
}

/// The beginning of a conversation's reference.
package enum ReferenceConversation: Equatable {
  /// Another system prompt, or none.
  case system(String?)
  /// Another first message of the user.
  case firstMessage(String)

  package init?(_ arguments: ReferencePromptArguments) throws {
    guard arguments.isGiven else { return nil }
    self = try arguments.fileText().map(Self.firstMessage) ?? .system(arguments.referenceSystem)
  }

  /// The reference of a conversation: the same turns after another beginning.
  package func conversation(_ messages: [Message]) -> [Message] {
    var messages = messages
    switch self {
    case .system(let text):
      messages.removeAll { $0.role == "system" }
      if let text { messages.insert(Message(role: "system", content: text), at: 0) }
    case .firstMessage(let text):
      if let first = messages.firstIndex(where: { $0.role == "user" }) { messages[first].content = text }
    }
    return messages
  }
}
