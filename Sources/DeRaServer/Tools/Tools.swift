import DeRaChatTemplate
import DeRaJSON

/// The tools of a request: functions that an answer may call.
struct Tools: Sendable {
  enum Choice: Sendable, Equatable {
    case none, auto, required
    case named(String)
  }

  private struct Tool: Sendable {
    var json: JSON
    var name: String
    var parameters: JSON
  }

  private var tools: [Tool] = []
  var choice = Choice.auto

  static let limit = 128
  static let fields: [FieldDescription] = [
    FieldDescription(
      name: "tools",
      schema: [
        "type": ["array", "null"], "maxItems": .integer(limit),
        "items": [
          "type": "object", "required": ["type", "function"],
          "properties": [
            "type": ["const": "function"],
            "function": [
              "type": "object", "required": ["name"],
              "properties": ["name": ["type": "string"], "parameters": ["type": ["object", "null"]]],
            ],
          ],
        ],
      ]),
    FieldDescription(name: "tool_choice", schema: ["type": ["string", "object", "null"]]),
  ]

  /// - Throws: an error that names `tools` or `tool_choice`.
  init(_ fields: Fields) throws(APIError) {
    if let json = fields.json("tools") {
      guard let list = json.array else { throw Self.wrong("must be a list, not \(json.summary)") }
      guard list.count <= Self.limit else { throw Self.wrong("has \(list.count) entries, more than \(Self.limit)") }
      for (index, entry) in list.enumerated() { tools.append(try Self.tool(entry, index)) }
    }
    if let json = fields.json("tool_choice") { choice = try Self.choice(json, names: names) }
    if tools.isEmpty || choice == .none {
      tools = []
      choice = .none
    }
  }

  private static func wrong(_ what: String) -> APIError { .invalid("'tools' \(what)", param: "tools") }

  private static func tool(_ json: JSON, _ index: Int) throws(APIError) -> Tool {
    guard json["type"]?.string ?? "function" == "function", let function = json["function"]?.object,
      let name = function["name"]?.string, !name.isEmpty
    else { throw wrong("[\(index)] must be {\"type\": \"function\", \"function\": {\"name\": …, \"parameters\": …}}") }
    let parameters = function["parameters"] ?? .null
    guard parameters.isNull || parameters.object != nil else { throw wrong("[\(index)]'s parameters must be a schema") }
    return Tool(json: json, name: name, parameters: parameters.isNull ? ["type": "object"] : parameters)
  }

  private static func choice(_ json: JSON, names: [String]) throws(APIError) -> Choice {
    func wrong(_ what: String) -> APIError { .invalid("'tool_choice' \(what)", param: "tool_choice") }
    switch json.string {
    case "none"?: return .none
    case "auto"?: return .auto
    case "required"?:
      guard !names.isEmpty else { throw wrong("is required, but there are no tools") }
      return .required
    case let text?: throw wrong("is '\(text.prefix(40))'; there are none, auto, required, or a function by its name")
    case nil: break
    }
    guard let name = json["function"]?["name"]?.string else {
      throw wrong("must be none, auto, required or {\"type\": \"function\", \"function\": {\"name\": …}}")
    }
    guard names.contains(name) else { throw wrong("names '\(name.prefix(40))', which is not among the tools") }
    return .named(name)
  }

  var isEmpty: Bool { tools.isEmpty }
  var names: [String] { tools.map(\.name) }

  /// The list as templates take it.
  func template() throws(APIError) -> TemplateValue { try TemplateValue(.array(tools.map(\.json)), param: "tools") }

  /// The text that tells a model of its tools where its template does not.
  var instruction: String {
    let list = tools.map { ($0.json["function"] ?? .null).text }.joined(separator: "\n")
    return """
      You can call functions. Each line describes one:
      \(list)
      To call a function, answer with nothing but <tool_call>{"name": "function's name", "arguments": {…}}</tool_call>.
      """
  }

  /// The schema of an answer that must be a call; nil where the model may choose.
  var callSchema: JSON? {
    let allowed: [Tool]
    switch choice {
    case .none, .auto: return nil
    case .required: allowed = tools
    case .named(let name): allowed = tools.filter { $0.name == name }
    }
    let calls = allowed.map { tool -> JSON in
      [
        "type": "object", "properties": ["name": ["const": .string(tool.name)], "arguments": tool.parameters],
        "required": ["name", "arguments"], "additionalProperties": false,
      ]
    }
    return calls.count == 1 ? calls[0] : ["anyOf": .array(calls)]
  }
}

/// A call that a model wrote.
struct ToolCall: Sendable, Equatable {
  var name: String
  var arguments: JSON

  /// The form that OpenAI's clients read.
  func openAI(index: Int?) -> JSON {
    let function: JSON = ["name": .string(name), "arguments": .string(arguments.string ?? arguments.text)]
    let members: [(String, JSON)] = [
      ("id", .string("call_" + randomName())), ("type", "function"), ("function", function),
    ]
    return JSON((index.map { [("index", .integer($0))] } ?? []) + members)
  }

  /// The form that Ollama's clients read.
  var ollama: JSON { ["function": ["name": .string(name), "arguments": arguments]] }

  /// The calls that a text of JSON is; nil when it is something else.
  /// - Parameter names: functions that may be called.
  static func all(in text: some StringProtocol, names: Set<String>) -> [ToolCall]? {
    guard let json = try? JSON.parse(String(text)) else { return nil }
    let values = json["tool_calls"]?.array ?? json["tool_call"].map { [$0] } ?? json.array ?? [json]
    var calls: [ToolCall] = []
    for value in values {
      let function = value["function"]?.object.map(JSON.object) ?? value
      guard let name = function["name"]?.string, names.contains(name) else { return nil }
      var arguments = function["arguments"] ?? function["parameters"] ?? JSON([])
      if case .string(let text) = arguments, let parsed = try? JSON.parse(text) { arguments = parsed }
      calls.append(ToolCall(name: name, arguments: arguments))
    }
    return calls.isEmpty ? nil : calls
  }
}
