import ArgumentParser
import DeRa
import DeRaConsole
import DeRaJSON

/// The form that an answer must have.
package struct FormArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Answer with JSON that a JSON Schema allows: a file, or the schema itself.", valueName: "file|json"))
  package var jsonSchema: String?

  @Flag(help: "Answer with a JSON object.")
  package var jsonObject = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Answer with a text that matches a regular expression as a whole.", valueName: "pattern"))
  package var regex: String?

  package init() {}

  package func validate() throws {
    let names = [
      jsonSchema.map { _ in "--json-schema" }, jsonObject ? "--json-object" : nil, regex.map { _ in "--regex" },
    ]
    let given = names.compactMap { $0 }
    if given.count > 1 { throw ValidationError("\(given.joined(separator: " and ")) exclude each other") }
  }

  /// Whether any of them is given.
  package var isGiven: Bool { jsonSchema != nil || jsonObject || regex != nil }

  /// `response_format` of a request to a server; nil for none.
  /// - Throws: `StreamError` for a schema that is no JSON, and what opening a file throws.
  package func responseFormat() throws -> JSON? {
    if jsonObject { return .object(["type": "json_object"]) }
    guard let jsonSchema else { return nil }
    do {
      let schema = try JSON.parse(try schemaText(jsonSchema))
      return .object(["type": "json_schema", "json_schema": .object(["name": "answer", "schema": schema])])
    } catch let error as JSONError {
      throw StreamError(description: "--json-schema: the schema is no JSON: \(error)")
    }
  }

  private func schemaText(_ argument: String) throws -> String {
    // A schema is an object or a boolean; no file is named like one.
    let isText = argument.drop(while: \.isWhitespace).hasPrefix("{") || ["true", "false"].contains(argument)
    let text: String? = isText ? argument : try withText(argument) { String(validating: $0, as: UTF8.self) }
    guard let text else { throw StreamError(description: "\(sourceName(argument)): not valid UTF-8") }
    return text
  }

  /// The constraint that the options ask for; nil for none.
  /// - Throws: `StreamError` naming the option, and what opening a file throws.
  package func constraint(for bundle: ModelBundle) throws -> AnswerConstraint? {
    if let jsonSchema { return try made("--json-schema", bundle, .jsonSchema(try schemaText(jsonSchema))) }
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
