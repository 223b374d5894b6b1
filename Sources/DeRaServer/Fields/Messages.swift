import DeRaChatTemplate
import DeRaJSON

/// The messages of a request, checked and as templates take them.
struct Messages: Sendable {
  var list: [TemplateMessage] = []

  /// The last message is the beginning of the answer.
  var continuesLast: Bool {
    list.last?.fields["role"] == .string("assistant") && list.last?.fields["tool_calls"] == nil
  }

  /// The same conversation with more in its system prompt.
  func told(_ instruction: String) -> Messages {
    var copy = self
    if let first = list.first, first.fields["role"] == "system", case .string(let text)? = first.fields["content"] {
      copy.list[0].fields["content"] = .string(text + "\n\n" + instruction)
    } else {
      copy.list.insert(TemplateMessage(role: "system", content: instruction), at: 0)
    }
    return copy
  }

  /// The same conversation with another system prompt.
  func system(_ text: String) -> Messages {
    var copy = self
    copy.list.removeAll { $0.fields["role"] == "system" }
    copy.list.insert(TemplateMessage(role: "system", content: text), at: 0)
    return copy
  }

  static let limit = 10_000
  static let field = FieldDescription(
    name: "messages",
    schema: [
      "type": "array", "minItems": 1,
      "items": [
        "type": "object", "required": ["role"],
        "properties": [
          "role": ["enum": .array(roles.map { .string($0) })],
          "content": [
            "anyOf": [
              ["type": ["string", "null"]],
              [
                "type": "array",
                "items": [
                  "type": "object", "required": ["type", "text"],
                  "properties": ["type": ["const": "text"], "text": ["type": "string"]],
                ],
              ],
            ]
          ],
        ],
      ],
    ])
  /// Further members that templates read.
  private static let passedOn = [
    "name", "tool_call_id", "tool_name", "reasoning_content", "thinking", "reasoning",
  ]
  private static let roles = ["system", "developer", "user", "assistant", "tool"]

  private init(list: [TemplateMessage]) { self.list = list }

  /// - Throws: an error that names `messages`.
  init(_ json: JSON?, mayBeEmpty: Bool = false, mayLackContent: Bool = false) throws(APIError) {
    guard let json else { throw Self.wrong("are missing") }
    guard let values = json.array else { throw Self.wrong("must be a list, not \(json.summary)") }
    guard mayBeEmpty || !values.isEmpty else { throw Self.wrong("must not be empty") }
    guard values.count <= Self.limit else { throw Self.wrong("are \(values.count), more than \(Self.limit)") }
    for (index, value) in values.enumerated() { list.append(try Self.message(value, "[\(index)]", mayLackContent)) }
    guard !continuesLast || !Messages(list: Array(list.dropLast())).continuesLast else {
      throw Self.wrong("end with two of the assistant, of which only one can be continued")
    }
  }

  private static func wrong(_ what: String) -> APIError { .invalid("'messages' \(what)", param: "messages") }

  private static func message(_ json: JSON, _ place: String, _ mayLackContent: Bool) throws(APIError) -> TemplateMessage
  {
    guard let object = json.object else { throw wrong("\(place) must be an object, not \(json.summary)") }
    guard let role = object["role"]?.string else { throw wrong("\(place) needs a role") }
    guard roles.contains(role) else {
      throw wrong("\(place) has the role '\(role.prefix(40))'; there are \(roles.joined(separator: ", "))")
    }
    // Templates know the older name.
    var fields: TemplateDictionary = ["role": .string(role == "developer" ? "system" : role)]
    let hasCalls = object["tool_calls"]?.array?.isEmpty == false
    fields["content"] = try content(
      object["content"], mayLack: mayLackContent || role == "assistant" && hasCalls, place)
    for key in passedOn {
      if let value = object[key], !value.isNull { fields[key] = try TemplateValue(value, param: "messages") }
    }
    if let value = object["tool_calls"], !value.isNull, hasCalls { fields["tool_calls"] = try calls(value, place) }
    return TemplateMessage(fields: fields)
  }

  private static func content(_ json: JSON?, mayLack: Bool, _ place: String) throws(APIError) -> TemplateValue {
    switch json {
    case .string(let text)?: return .string(text)
    case nil, .null?:
      guard mayLack else { throw wrong("\(place) needs content") }
      return .string("")
    case .array(let parts)?:
      var texts: [TemplateValue] = []
      for part in parts {
        let type = part["type"]?.string ?? "text"
        guard type == "text" else {
          throw wrong("\(place) has a part of type '\(type.prefix(40))'; these models read text only")
        }
        guard let text = part["text"]?.string else { throw wrong("\(place) has a part without text") }
        texts.append(["type": "text", "text": .string(text)])
      }
      return .array(texts)
    case let other?:
      throw wrong("\(place) has content that is \(other.summary); it must be text or a list of text parts")
    }
  }

  /// Calls of an assistant's message; OpenAI's clients send the arguments as JSON text, which templates want as an object.
  private static func calls(_ json: JSON, _ place: String) throws(APIError) -> TemplateValue {
    guard let values = json.array else { throw wrong("\(place) has tool_calls that are no list") }
    var calls: [TemplateValue] = []
    for value in values {
      guard let object = value.object, let function = object["function"]?.object,
        let name = function["name"]?.string
      else { throw wrong("\(place) has a tool call without a function and its name") }
      var arguments = function["arguments"] ?? JSON([])
      if case .string(let text) = arguments, let parsed = try? JSON.parse(text.isEmpty ? "{}" : text) {
        arguments = parsed
      }
      var call: TemplateDictionary = ["type": "function"]
      if let id = object["id"]?.string { call["id"] = .string(id) }
      call["function"] = ["name": .string(name), "arguments": try TemplateValue(arguments, param: "messages")]
      calls.append(.dictionary(call))
    }
    return .array(calls)
  }
}

extension TemplateValue {
  /// Members of one object; looking one up takes time for each.
  private static let memberLimit = 1000

  /// - Throws: an error that names `param`, for an object of too many members.
  init(_ json: JSON, param: String) throws(APIError) {
    switch json {
    case .null: self = .none
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .int(value)
    case .double(let value): self = .double(value)
    case .string(let value): self = .string(value)
    case .array(let values):
      var list: [TemplateValue] = []
      for value in values { list.append(try TemplateValue(value, param: param)) }
      self = .array(list)
    case .object(let object):
      guard object.count <= Self.memberLimit else {
        throw .invalid(
          "'\(param)' has an object of \(object.count) members, more than \(Self.memberLimit)", param: param)
      }
      var entries: [(key: String, value: TemplateValue)] = []
      for (key, value) in zip(object.keys, object.values) {
        entries.append((key, try TemplateValue(value, param: param)))
      }
      self = .dictionary(TemplateDictionary(distinct: entries))
    }
  }
}
