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
  static let referenceSystem = Field<String>.text("reference_system")
  static let fields =
    [
      Messages.field.required, limit.description, logprobs.description, topLogprobs.description, progress.description,
      referenceSystem.description,
      FieldDescription(name: "reference_messages", schema: ["type": ["array", "null"]]), ResponseFormat.field,
      ResponseFormat.schema,
    ] + Tools.fields + RequestSettings.described

  init(_ request: Request, _ service: Service) throws(APIError) {
    let fields = try Service.fields(of: request)
    let messages = try Messages(fields.json("messages"))
    let reference = try Self.reference(fields, messages, service)
    settings = try RequestSettings(fields, request.headers, service, hasReferencePrompt: reference != nil)
    if let value = try fields(Self.limit) { settings.options.maxTokens = value < 0 ? nil : value }
    let alternatives = try fields(Self.topLogprobs)
    if try fields(Self.logprobs) ?? settings.options.explains {
      settings.options.logprobs = alternatives ?? 0
    } else if alternatives ?? 0 > 0 {
      throw .invalid("'top_logprobs' needs 'logprobs' to be true", param: "top_logprobs")
    }
    showsProgress = try fields(Self.progress) ?? false
    tools = try Tools(fields)
    settings.options.constraint = try service.constraint(
      tools, ResponseFormat.source(fields), param: ResponseFormat.name(fields))
    prompt = try service.ids(of: messages, tools)
    let tools = tools
    let other = try reference.map { reference throws(APIError) in
      try Self.naming(reference.field) { () throws(APIError) in try service.ids(of: reference.messages, tools) }
    }
    answers = try settings.requests(prompt, reference: other, service)
  }

  /// The conversation that λ of the prompt blends with: the same with another system prompt, or one of its own.
  private static func reference(
    _ fields: Fields, _ messages: Messages, _ service: Service
  ) throws(APIError) -> (field: String, messages: Messages)? {
    let name = "reference_messages"
    let own = fields.json(name)
    let system = try fields(referenceSystem)
    guard own != nil || system != nil else { return nil }
    guard own == nil || system == nil else {
      throw .invalid("'\(name)' and '\(referenceSystem.name)' exclude each other", param: name)
    }
    guard service.answering.figures().slots.count > 1 else {
      let field = own != nil ? name : referenceSystem.name
      throw .invalid("'\(field)': \(EngineError.oneSequence)", param: field)
    }
    guard let own else { return system.map { (referenceSystem.name, messages.system($0)) } }
    return (name, try naming(name) { () throws(APIError) in try Messages(own) })
  }

  /// Runs `body`, whose errors are about `field` and not about the messages.
  private static func naming<Value>(
    _ field: String, _ body: () throws(APIError) -> Value
  ) throws(APIError) -> Value {
    do { return try body() } catch {
      throw .invalid(error.message.replacing("'messages'", with: "'\(field)'"), param: field)
    }
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
