import ArgumentParser
import DeRa
import DeRaConsole
import DeRaPrompting

/// How text becomes the model's tokens.
package struct PromptArguments: ParsableArguments {
  @OptionGroup package var template: ChatTemplateOption
  @Flag(
    help:
      "Take special tokens spelled out in messages, such as <|im_end|>, for special tokens; they are text otherwise.")
  package var parseSpecial = false

  package init() {}

  package static let noPlaceForSystem = "the bundle has no chat template, so a system prompt has no place to go"

  /// - Throws: `ExitCode` for a system prompt where there is no template, once the error is told.
  package static func check(system: String?, _ format: PromptFormat) throws {
    if system != nil && !format.hasTemplate {
      throw refuse("--system", "\(noPlaceForSystem); --chat-template gives it one")
    }
  }

  /// Notes what ends answers besides the bundle's own tokens, and special tokens that the template has and the model lacks.
  package func format(_ bundle: ModelBundle) throws -> PromptFormat {
    let format = try PromptFormat(bundle, template: try template.source(), parsesSpecial: parseSpecial)
    for end in format.furtherEnds { Output.note(printable("\(bundle.path): \(end.description)")) }
    let named = NamedTemplate.all.first { $0.name == template.chatTemplate }
    let missing = (named?.tokens ?? []).filter { format.tokenizer.addedID(of: Array($0.utf8)) == nil }
    if !missing.isEmpty {
      Output.warning(
        "\(bundle.path) has no tokens \(missing.joined(separator: ", ")), which the template writes; it was made "
          + "for another family of models")
    }
    return format
  }
}

/// The same of commands that can also leave the chat template out.
package struct RawPromptArguments: ParsableArguments {
  @Flag(help: "Continue a prompt as it is, without the chat template.") package var raw = false
  @OptionGroup package var prompting: PromptArguments

  package init() {}

  package func validate() throws {
    if raw && prompting.template.chatTemplate != nil {
      throw ValidationError("--raw leaves the chat template out, so --chat-template does not go with it")
    }
  }

  package func format(_ bundle: ModelBundle) throws -> PromptFormat { try prompting.format(bundle) }
}

/// The message that a conversation begins with.
package struct SystemArgument: ParsableArguments {
  @Option(name: .customLong("system"), help: ArgumentHelp("System prompt.", valueName: "text"))
  package var text: String?

  package init() {}
}
