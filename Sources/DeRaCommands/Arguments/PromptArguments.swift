import ArgumentParser
import DeRa
import DeRaConsole
import DeRaPrompting

/// How text becomes the model's tokens.
struct PromptArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The chat template to use instead of the bundle's: a Jinja file, or \(NamedTemplate.names).",
      valueName: "file|name"))
  var chatTemplate: String?
  @Flag(
    help:
      "Take special tokens spelled out in messages, such as <|im_end|>, for special tokens; they are text otherwise.")
  var parseSpecial = false

  static let noPlaceForSystem = "the bundle has no chat template, so a system prompt has no place to go"

  /// - Throws: `ExitCode` for a system prompt where there is no template, once the error is told.
  static func check(system: String?, _ format: PromptFormat) throws {
    if system != nil && !format.hasTemplate {
      throw refuse("--system", "\(noPlaceForSystem); --chat-template gives it one")
    }
  }

  /// Notes what ends answers besides the bundle's own tokens, and special tokens that the template has and the model lacks.
  func format(_ bundle: ModelBundle) throws -> PromptFormat {
    let source = try chatTemplate.map(NamedTemplate.source)
    let format = try PromptFormat(bundle, template: source, parsesSpecial: parseSpecial)
    for end in format.furtherEnds { Output.note(printable("\(bundle.path): \(end.description)")) }
    let named = NamedTemplate.all.first { $0.name == chatTemplate }
    let missing = (named?.tokens ?? []).filter { format.tokenizer.addedID(of: Array($0.utf8)) == nil }
    if !missing.isEmpty {
      Output.warning(
        "\(bundle.path) has no tokens \(missing.joined(separator: ", ")), which the template writes; it was made "
          + "for another family of models")
    }
    return format
  }
}
