import DeRa
import DeRaJSON
import DeRaTokenization

/// A decoded request to continue texts.
struct CompletionRequest: Sendable {
  /// A text to continue.
  struct Prompt: Sendable {
    var ids: [Int32]
    /// The prompt as the client gave it.
    var text: String
  }

  var settings: RequestSettings
  var echoes: Bool
  var prompts: [Prompt]
  /// `[prompts × choices]`, the choices of a prompt next to each other.
  var answers: [AnswerRequest] = []
  var choicesEach: Int { answers.count / max(prompts.count, 1) }

  static let promptLimit = 128
  static let echo = Field<Bool>.flag("echo")
  static let logprobs = Field<Int>.integer("logprobs", 0...20)
  static let bestOf = Field<Int>.integer("best_of", 1...RequestSettings.choiceLimit)
  static let suffix = Field<String>.text("suffix")
  static let fields =
    [
      FieldDescription(
        name: "prompt",
        schema: [
          "anyOf": [
            ["type": "string"],
            [
              "type": "array", "minItems": 1,
              "items": ["anyOf": [["type": ["string", "integer"]], ["type": "array", "items": ["type": "integer"]]]],
            ],
          ]
        ]
      ).required, echo.description, logprobs.description, bestOf.description, suffix.description,
      ResponseFormat.field, ResponseFormat.schema,
    ] + RequestSettings.described

  init(_ request: Request, _ service: Service) throws(APIError) {
    let fields = try Service.fields(of: request)
    settings = try RequestSettings(fields, request.headers, service)
    echoes = try fields(Self.echo) ?? false
    settings.options.logprobs = try fields(Self.logprobs) ?? (settings.options.explains ? 0 : nil)
    // The best of as many as are wanted are all of them; clients say so.
    if let best = try fields(Self.bestOf), best != 1, best != settings.count {
      throw .invalid("'best_of' must be 1 or 'n': no answers are made and not shown", param: "best_of")
    }
    if let suffix = try fields(Self.suffix), !suffix.isEmpty {
      throw .invalid("'suffix' is not supported: these models continue texts", param: "suffix")
    }
    settings.options.constraint = try service.constraint(
      ResponseFormat.source(fields), param: ResponseFormat.name(fields))
    prompts = try Self.prompts(fields.json("prompt"), service)
    settings.options.scoresPrompt = echoes && settings.options.logprobs != nil
    // Clients that score a text ask for one token more and take it off again, whatever it is.
    if settings.options.scoresPrompt, let limit = settings.options.maxTokens, limit <= 1 {
      settings.options.ignoresEndOfText = true
    }
    for prompt in prompts { answers += try settings.requests(prompt.ids, service) }
  }

  /// A text, ids, or a list of either.
  private static func prompts(_ json: JSON?, _ service: Service) throws(APIError) -> [Prompt] {
    let name = "prompt"
    guard let json else { throw .invalid("'prompt' is missing", param: name) }
    if let text = json.string { return [try prompt(text, service)] }
    guard let values = json.array, let first = values.first else {
      throw .invalid("'prompt' must be a text, token ids, or a list of either, not \(json.summary)", param: name)
    }
    if first.int != nil { return [try prompt(json, service)] }
    guard values.count <= promptLimit else {
      throw .invalid("'prompt' has \(values.count) texts; at most \(promptLimit) are taken", param: name)
    }
    var prompts: [Prompt] = []
    for value in values {
      if let text = value.string {
        prompts.append(try prompt(text, service))
      } else {
        prompts.append(try prompt(value, service))
      }
    }
    return prompts
  }

  private static func prompt(_ text: String, _ service: Service) throws(APIError) -> Prompt {
    do { return Prompt(ids: try service.model.format.tokens(text: text), text: text) } catch {
      throw .invalid("'prompt': \(error)", param: "prompt")
    }
  }

  private static func prompt(_ json: JSON, _ service: Service) throws(APIError) -> Prompt {
    guard let ids = try service.tokenIDs(json, param: "prompt") else {
      throw .invalid("'prompt' must be a text, token ids, or a list of either, not \(json.summary)", param: "prompt")
    }
    let text = service.model.tokenizer.decode(ids, skipSpecial: true)
    return Prompt(ids: ids, text: String(decoding: text, as: UTF8.self))
  }
}
