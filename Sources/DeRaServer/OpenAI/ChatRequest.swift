import DeRa
import DeRaChatTemplate
import DeRaJSON
import NIOHTTP1

/// A decoded request for a chat answer.
struct ChatRequest: Sendable {
  var settings: RequestSettings
  var showsProgress = false
  var tools: Tools
  var prompt: [Int32]
  var answers: [AnswerRequest]

  static let limit = Field<Int>.integer("max_completion_tokens", -1...(.max))
  static let logprobs = Field<Bool>.flag("logprobs")
  static let topLogprobs = Field<Int>.integer("top_logprobs", 0...20)
  static let progress = Field<Bool>.flag("return_progress")
  static let fields =
    [
      Messages.field.required, limit.description, logprobs.description, topLogprobs.description, progress.description,
      ResponseFormat.field,
    ] + Tools.fields + RequestSettings.described

  init(_ request: Request, _ service: Service) throws(APIError) {
    let fields = try Service.fields(of: request)
    settings = try RequestSettings(fields, request.headers, service)
    if let value = try fields(Self.limit) { settings.options.maxTokens = value < 0 ? nil : value }
    let alternatives = try fields(Self.topLogprobs)
    if try fields(Self.logprobs) ?? settings.options.explains {
      settings.options.logprobs = alternatives ?? 0
    } else if alternatives ?? 0 > 0 {
      throw .invalid("'top_logprobs' needs 'logprobs' to be true", param: "top_logprobs")
    }
    showsProgress = try fields(Self.progress) ?? false
    try ResponseFormat.check(fields)
    tools = try Tools(fields)
    prompt = try service.ids(of: Messages(fields.json("messages")), tools)
    answers = try settings.requests(prompt, service)
  }
}

/// The form that an answer is asked to have.
enum ResponseFormat {
  static let field = FieldDescription(name: "response_format", schema: ["type": ["object", "null"]])

  static func check(_ fields: Fields) throws(APIError) {
    let format = try fields.inside("response_format")
    switch try format(Field<String>.text("type")) {
    case nil, "text"?: return
    case let type?:
      throw .invalid("'response_format' of type '\(type.prefix(40))' is not supported", param: "response_format")
    }
  }

  /// `format`: a schema, or the word json.
  static func check(ollama fields: Fields) throws(APIError) {
    guard let format = fields.json("format"), format.string != "" else { return }
    throw .invalid("'format' is not supported", param: "format")
  }
}

extension Service {
  /// The text of a conversation. A model whose template does not show the tools is told about them in words.
  func laidOut(_ messages: Messages, _ tools: Tools) throws(APIError) -> RenderedPrompt {
    guard !tools.isEmpty else { return try laidOut(messages.list, messages.continuesLast, [:]) }
    let list = try tools.template()
    let prompt = try? laidOut(messages.list, messages.continuesLast, ["tools": list])
    if let prompt, tools.names.allSatisfy({ prompt.text.contains($0) }) { return prompt }
    return try laidOut(messages.told(tools.instruction).list, messages.continuesLast, [:])
  }

  private func laidOut(
    _ messages: [TemplateMessage], _ continuesLast: Bool, _ variables: [String: TemplateValue]
  ) throws(APIError) -> RenderedPrompt {
    do {
      return try model.format.prompt(for: messages, continuesLast: continuesLast, variables: variables)
    } catch {
      throw .invalid("'messages': \(error)", param: "messages")
    }
  }

  /// The ids of a conversation.
  func ids(of messages: Messages, _ tools: Tools) throws(APIError) -> [Int32] {
    let prompt = try laidOut(messages, tools)
    do { return try model.format.tokens(of: prompt) } catch { throw .invalid("\(error)", param: "messages") }
  }
}
