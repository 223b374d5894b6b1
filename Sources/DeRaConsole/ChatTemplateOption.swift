import ArgumentParser
import DeRaPrompting

/// The chat template that replaces a model's own.
package struct ChatTemplateOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The chat template to use instead of the model's own: a Jinja file, - for standard input, or \(NamedTemplate.names).",
      valueName: "file|name"), completion: .file())
  package var chatTemplate: String?

  package init() {}

  /// The template's text; nil without the option.
  /// - Throws: `FileError`, `StreamError`, and `TemplateError` for a text that is too long.
  package func source() throws -> String? {
    try chatTemplate.map { name in
      try name == Input.name
        ? NamedTemplate.checked(Input.readText(), of: sourceName(name)) : NamedTemplate.source(of: name)
    }
  }
}
