import DeRa
import DeRaJSON
import NIOHTTP1

/// A decoded request to /api/chat or /api/generate.
struct OllamaRequest: Sendable {
  enum Route { case chat, generate }

  /// The client's name for the model, without the λ it may have named.
  var model: String
  var isStreamed: Bool
  /// nil for a request that only loads or unloads the model, which is always there.
  var answer: AnswerRequest?
  /// `load` or `unload`.
  var idleReason: String
  var tools: Tools

  static let stream = Field<Bool>.flag("stream")
  static let raw = Field<Bool>.flag("raw")
  static let prompt = Field<String>.text("prompt")
  static let system = Field<String>.text("system")
  static let suffix = Field<String>.text("suffix")
  static let predict = Field<Int>.integer("num_predict", .min...(.max))
  static let logprobs = Field<Bool>.flag("logprobs")
  static let topLogprobs = Field<Int>.integer("top_logprobs", 0...20)
  private static let common: [FieldDescription] = [
    RequestSettings.model.description.required, stream.description, logprobs.description, topLogprobs.description,
    FieldDescription(
      name: "options",
      schema: [
        "type": ["object", "null"],
        "properties": JSON((SamplingFields.all + [predict.description]).map { ($0.name, $0.schema) }),
      ]), FieldDescription(name: "keep_alive", schema: ["type": ["string", "number", "null"]]),
    FieldDescription(name: "format", schema: ["type": ["string", "object", "null"]]), LambdaReader.field,
  ]
  static let chatFields = common + [Messages.field] + Tools.fields
  static let generateFields = common + [prompt.description, system.description, raw.description, suffix.description]

  init(_ request: Request, _ route: Route, _ service: Service) throws(APIError) {
    let fields = try Service.fields(of: request)
    model = try service.ollamaModel(fields)
    isStreamed = try fields(Self.stream) ?? true
    let keepAlive = fields.json("keep_alive")
    idleReason = keepAlive?.double == 0 || keepAlive?.string == "0" ? "unload" : "load"
    tools = try Tools(fields)
    let ids: [Int32]?
    switch route {
    case .chat:
      let messages = try Messages(fields.json("messages") ?? [], mayBeEmpty: true, mayLackContent: true)
      ids = messages.list.isEmpty ? nil : try service.ids(of: messages, tools)
    case .generate: ids = try Self.prompt(fields, service)
    }
    guard let ids else { return }
    answer = try Self.answer(ids, fields, request.headers, model, service)
    answer?.options.constraint = try service.constraint(tools, ResponseFormat.source(ollama: fields), param: "format")
  }

  private static func answer(
    _ ids: [Int32], _ fields: Fields, _ headers: HTTPHeaders, _ name: String, _ service: Service
  ) throws(APIError) -> AnswerRequest {
    let options = try fields.inside("options")
    var generation = service.model.options
    try SamplingFields.read(options, into: &generation, vocabulary: service.model.bundle.vocabularySize)
    // −1 and −2 are Ollama's words for no limit and for the whole context.
    if let limit = try options(predict) { generation.maxTokens = limit < 0 ? nil : limit }
    let alternatives = try fields(topLogprobs)
    if try fields(logprobs) ?? false { generation.logprobs = alternatives ?? 0 }
    if generation.sampling.seed == nil { generation.sampling.seed = .random(in: 0..<1 << 53) }
    do { try generation.sampling.validate() } catch { throw APIError(error) }
    guard !ids.isEmpty else { throw .invalid("the prompt has no tokens", param: nil) }
    guard ids.count < service.model.context else { throw .contextSize(ids.count, service.model.context) }
    let realignment = try realignment(fields, options, headers, name, service)
    return AnswerRequest(prompt: ids, realignment: realignment, options: generation)
  }

  private static func realignment(
    _ fields: Fields, _ options: Fields, _ headers: HTTPHeaders, _ name: String, _ service: Service
  ) throws(APIError) -> Realignment {
    if let json = options.json("lambda") { return try service.lambda(json, param: "options.lambda") }
    if let json = fields.json("lambda") { return try service.lambda(json, param: "lambda") }
    if let text = headers.first(name: "x-dera-lambda") { return try service.lambda.parse(text, param: "lambda") }
    return try service.realignment(ofName: name) ?? service.model.realignment
  }

  /// The ids of /api/generate's prompt; nil for an empty one.
  private static func prompt(_ fields: Fields, _ service: Service) throws(APIError) -> [Int32]? {
    if let suffix = try fields(suffix), !suffix.isEmpty {
      throw .invalid("'suffix' is not supported: these models continue texts", param: "suffix")
    }
    if let images = fields.json("images")?.array, !images.isEmpty {
      throw .invalid("'images' are not supported: these models read text only", param: "images")
    }
    guard let text = try fields(prompt), !text.isEmpty else { return nil }
    let system = try fields(system)
    if try fields(raw) ?? false {
      do { return try service.model.format.tokens(text: text) } catch {
        throw .invalid("'prompt': \(error)", param: "prompt")
      }
    }
    var messages: [JSON] = []
    if let system, !system.isEmpty { messages.append(["role": "system", "content": .string(system)]) }
    messages.append(["role": "user", "content": .string(text)])
    return try service.ids(of: Messages(.array(messages)), Tools(Fields(object: JSONObject())))
  }
}

extension Service {
  /// The model's name in a request of Ollama's.
  /// - Throws: 404 for a name that is not ours.
  func ollamaModel(_ fields: Fields) throws(APIError) -> String {
    let given = try fields(RequestSettings.model)
    let older = try fields(Field<String>.text("name"))
    guard let name = given ?? older, !name.isEmpty else { throw .invalid("'model' is missing", param: "model") }
    guard try isServed(name) else { throw .notFound("model '\(name)' not found", param: "model") }
    return name
  }
}
