import ArgumentParser
import DeRa
import DeRaConsole

/// The form that an answer must have.
package struct FormArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Answer with JSON that a JSON Schema allows: a file, or the schema itself.", valueName: "file|json"))
  var jsonSchema: String?

  @Flag(help: "Answer with a JSON object.")
  var jsonObject = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Answer with a text that matches a regular expression as a whole.", valueName: "pattern"))
  var regex: String?

  package init() {}

  package func validate() throws {
    let names = [
      jsonSchema.map { _ in "--json-schema" }, jsonObject ? "--json-object" : nil, regex.map { _ in "--regex" },
    ]
    let given = names.compactMap { $0 }
    if given.count > 1 { throw ValidationError("\(given.joined(separator: " and ")) exclude each other") }
  }

  /// The constraint that the options ask for; nil for none.
  /// - Throws: `StreamError` naming the option, and what opening a file throws.
  func constraint(for bundle: ModelBundle) throws -> AnswerConstraint? {
    if let jsonSchema {
      // A schema is an object or a boolean; no file is named like one.
      let isText = jsonSchema.drop(while: \.isWhitespace).hasPrefix("{") || ["true", "false"].contains(jsonSchema)
      let text: String? = isText ? jsonSchema : try withText(jsonSchema) { String(validating: $0, as: UTF8.self) }
      guard let text else { throw StreamError(description: "\(sourceName(jsonSchema)): not valid UTF-8") }
      return try made("--json-schema", bundle, .jsonSchema(text))
    }
    if let regex { return try made("--regex", bundle, .pattern(regex)) }
    return jsonObject ? try made("--json-object", bundle, .jsonObject) : nil
  }

  private func made(_ option: String, _ bundle: ModelBundle, _ form: AnswerForm) throws -> AnswerConstraint {
    do {
      return try bundle.constraint(form)
    } catch DeRaError.invalidConstraint(let reason) {
      throw StreamError(description: "\(option): \(reason)")
    }
  }
}
