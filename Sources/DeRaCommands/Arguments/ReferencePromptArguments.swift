import ArgumentParser
import DeRa
import DeRaChatTemplate
import DeRaConsole
import DeRaPlatform

/// A second prompt for the same models, which λ blends with the prompt.
struct ReferencePromptArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Blend what follows the prompt with what follows a reference prompt: the same conversation with this system prompt. \
      --lambda is then the prompt's strength: 0 is the reference prompt, 1 (the default) the prompt, 1.5 follows it more \
      strictly; beyond 2 facts go wrong. With aligned models, name it: --lambda dpo=0.7,prompt=1.5. Keys and values take \
      twice the memory.
      """, valueName: "text"))
  var referenceSystem: String?

  @Flag(help: "The same with a reference conversation that has no system prompt.")
  var referenceWithoutSystem = false

  @Option(
    help: ArgumentHelp(
      "The same with the prompt in this file, such as the question without its context, in place of the prompt.",
      valueName: "file"))
  var referencePrompt: String?

  func validate() throws {
    let count = [referenceSystem != nil, referenceWithoutSystem, referencePrompt != nil].count { $0 }
    if count > 1 {
      throw ValidationError(
        "--reference-system, --reference-without-system and --reference-prompt exclude each other")
    }
  }

  /// Whether there is a reference prompt.
  var isGiven: Bool { referenceSystem != nil || referenceWithoutSystem || referencePrompt != nil }

  /// The system prompt of the reference, for which a template is needed; empty where it is to have none.
  var wantedSystem: String? { referenceSystem ?? (referenceWithoutSystem ? "" : nil) }

  /// The reference prompt's parts.
  /// - Parameters: those of the prompt.
  func parts(system: String?, text: String) throws -> (system: String?, text: String) {
    if let referencePrompt {
      let text = try withText(referencePrompt) { try utf8Text($0, path: sourceName(referencePrompt)) }
      return (system, Input.withoutFinalNewline(text))
    }
    return (referenceSystem, text)
  }

  /// Tells of what the two prompts are, and of a λ that makes one of them useless.
  func note(_ realignment: Realignment, prompt: Int, reference: Int) {
    let state =
      referencePrompt.map { "from \(printable($0))" } ?? referenceSystem.map { "system prompt \"\(printable($0))\"" }
      ?? "no system prompt"
    Output.note("Reference prompt: \(reference) tokens, \(state). Prompt: \(prompt) tokens.")
    if realignment.prompt == 1 {
      Output.note("λ of the prompt is 1, so the reference prompt has no effect; try --lambda 1.5.")
    } else if realignment.prompt > 2 {
      Output.note("λ of the prompt is above 2, where answers follow the prompt but facts go wrong.")
    }
  }
}
