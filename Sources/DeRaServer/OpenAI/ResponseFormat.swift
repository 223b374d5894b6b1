import DeRa
import DeRaGrammar
import DeRaJSON

/// The form that an answer is asked to have, by the grammar of its texts.
enum ResponseFormat {
  static let field = FieldDescription(
    name: "response_format",
    schema: ["type": ["object", "null"], "properties": ["type": ["enum": ["text", "json_object", "json_schema"]]]])

  static let schema = FieldDescription(name: "json_schema", schema: ["type": ["object", "boolean", "null"]])

  /// OpenAI's `response_format`; the schema may also stand in it as `schema`, or in the body as `json_schema`, as llama.cpp
  /// takes them.
  static func source(_ fields: Fields) throws(APIError) -> GrammarSource? {
    let name = "response_format"
    if let grammar = fields.json("grammar"), grammar != "" {
      throw .invalid("'grammar' is not supported; give a schema by 'response_format'", param: "grammar")
    }
    if let schema = fields.json(schema.name) {
      guard fields.json(name) == nil else {
        throw .invalid("'\(Self.schema.name)' and '\(name)' exclude each other", param: Self.schema.name)
      }
      return .jsonSchema(schema)
    }
    let format = try fields.inside(name)
    let schema = try format.inside("json_schema").json("schema") ?? format.json("schema")
    switch try format(Field<String>.text("type")) {
    case nil, "text"?: return nil
    case "json_object"?: return schema.map(GrammarSource.jsonSchema) ?? .jsonObject
    case "json_schema"?:
      guard let schema else { throw .invalid("'\(name).json_schema.schema' is missing", param: name) }
      return .jsonSchema(schema)
    case let type?:
      throw .invalid(
        "'\(name)' is of type '\(type.prefix(40))'; there are text, json_object and json_schema", param: name)
    }
  }

  /// The field that gives the form.
  static func name(_ fields: Fields) -> String { fields.json(schema.name) == nil ? field.name : schema.name }

  /// Ollama's `format`: the word json, or a schema.
  static func source(ollama fields: Fields) throws(APIError) -> GrammarSource? {
    guard let format = fields.json("format") else { return nil }
    switch format {
    case .string(""): return nil
    case .string("json"): return .jsonObject
    case .object: return .jsonSchema(format)
    default: throw .invalid("'format' must be \"json\" or a schema, not \(format.summary)", param: "format")
    }
  }
}

extension Service {
  /// Compiles a grammar.
  /// - Throws: an error that names `param`, for what is not supported.
  func constraint(_ source: GrammarSource?, param: String) throws(APIError) -> AnswerConstraint? {
    guard let source else { return nil }
    do { return try model.bundle.constraint(compiling: source) } catch {
      throw .invalid("'\(param)': \(error)", param: param)
    }
  }

  /// The constraint of a request: its calls' form where it must call a tool, else the format it asks for.
  func constraint(
    _ tools: Tools, _ format: GrammarSource?, param: String
  ) throws(APIError) -> AnswerConstraint? {
    guard let schema = tools.callSchema else { return try constraint(format, param: param) }
    return try constraint(.jsonSchema(schema), param: "tools")
  }
}
