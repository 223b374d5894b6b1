import DeRa
import DeRaConsole
import DeRaJSON
import DeRaPlatform
import DeRaText

/// A running server as the commands see it: what it serves, and its answers.
package final class ServerSession {
  package let client: ServerClient
  /// The name of the model, and those of its aligned models.
  let name: String
  package let alignedModels: [String]
  /// λ of requests that give none.
  let lambda: Realignment
  /// Tokens of prompt and answer together; nil where the server does not tell.
  let contextLength: Int?
  /// Whether requests may have λ, a reference prompt and our other fields.
  let isOurs: Bool

  /// Asks the server what it serves.
  /// - Throws: `ServerError`, `Interrupted`.
  package init(_ client: ServerClient) throws {
    self.client = client
    let path = "/v1/models"
    let list = try client.get(path)
    guard let card = list["data"]?.array?.first, let name = card["id"]?.string else {
      throw ServerError.notUnderstood(client.address, reason: "\(path) lists no model")
    }
    self.name = name
    let ours = card["dera"]
    isOurs = ours != nil
    alignedModels = ours?["aligned"]?.array?.compactMap(\.string) ?? []
    lambda = Realignment(
      lambdas: alignedModels.map { model in ours?["lambda"]?[model]?.double.map { Float($0) } ?? 0 })
    contextLength = card["meta"]?["n_ctx"]?.int
  }

  /// A question and how it is to be answered.
  package struct Request {
    package enum Prompt {
      case messages([Message])
      /// Continued as it is.
      case text(String)
    }

    package var prompt: Prompt
    package var reference: ReferenceConversation?
    package var realignment: Realignment
    package var options: GenerationOptions
    /// nil for any form.
    package var format: JSON?

    package init(
      _ prompt: Prompt, reference: ReferenceConversation? = nil, realignment: Realignment, options: GenerationOptions
    ) {
      self.prompt = prompt
      self.reference = reference
      self.realignment = realignment
      self.options = options
    }
  }

  /// The answer to a request. Ctrl-C, and `onText` by false, close the connection, on which the server ends its work.
  /// - Throws: `ServerError`, and what `onText` throws.
  package func answer(_ request: Request, onText: (String) throws -> Bool) throws -> Generation {
    var answer = ServerAnswer(limit: request.options.maxTokens, contextLength: contextLength)
    let path: String
    switch request.prompt {
    case .messages: path = "/v1/chat/completions"
    case .text: path = "/v1/completions"
    }
    do {
      try client.stream(path, try body(request)) { event in
        let text = answer.take(event)
        if !text.isEmpty, try !onText(text) { answer.generation.finishReason = .cancelled }
        return answer.generation.finishReason != .cancelled
      }
    } catch is Interrupted {
      answer.generation.finishReason = .cancelled
    }
    return answer.generation
  }

  /// Tokens of a conversation; nil where the server does not tell.
  func tokenCount(_ messages: [Message]) throws -> Int? {
    guard isOurs else { return nil }
    let body: JSON = .object(["messages": Self.json(messages)])
    return try client.post("/v1/chat/completions/input_tokens", body)["input_tokens"]?.int
  }

  /// Whether the model has a chat template, the only place for a system prompt; assumed of servers that do not tell.
  lazy var hasTemplate: Bool = {
    guard isOurs, let template = try? client.get("/props")["chat_template"]?.string else { return true }
    return !template.isEmpty
  }()

  private static func json(_ messages: [Message]) -> JSON {
    .array(messages.map { .object(["role": .string($0.role), "content": .string($0.content)]) })
  }

  /// The request as the routes take it.
  package func body(_ request: Request) throws -> JSON {
    var body: JSONObject = ["model": .string(name), "stream": true, "stream_options": .object(["include_usage": true])]
    switch request.prompt {
    case .messages(let messages):
      body.append("messages", Self.json(messages))
      if let reference = request.reference {
        body.append("reference_messages", Self.json(reference.conversation(messages)))
      }
    case .text(let text): body.append("prompt", .string(text))
    }
    if isOurs, !alignedModels.isEmpty || request.reference != nil {
      body.append("lambda", lambda(request.realignment, hasReferencePrompt: request.reference != nil))
    }
    if let format = request.format { body.append("response_format", format) }
    for (name, value) in try members(of: request.options) { body.append(name, value) }
    return .object(body)
  }

  private func lambda(_ realignment: Realignment, hasReferencePrompt: Bool) -> JSON {
    var members = JSONObject()
    func add(_ name: String, _ value: Float) { members.append(name, .double(Double("\(value)") ?? Double(value))) }
    for (name, value) in zip(alignedModels, realignment.lambdas) { add(name, value) }
    if hasReferencePrompt { add(Realignment.promptName, realignment.prompt) }
    return .object(members)
  }

  private func members(of options: GenerationOptions) throws -> [(String, JSON)] {
    let sampling = options.sampling
    func number(_ value: Float) -> JSON { .double(Double("\(value)") ?? Double(value)) }
    var members: [(String, JSON)] = [
      ("temperature", number(sampling.temperature)), ("top_k", .integer(sampling.topK)),
      ("top_p", number(sampling.topP)), ("min_p", number(sampling.minP)), ("plausible", number(sampling.plausible)),
      ("repeat_penalty", number(sampling.repetitionPenalty)),
      ("frequency_penalty", number(sampling.frequencyPenalty)),
      ("presence_penalty", number(sampling.presencePenalty)),
    ]
    if let limit = options.maxTokens { members.append(("max_tokens", .integer(limit))) }
    if !options.stopStrings.isEmpty { members.append(("stop", .array(options.stopStrings.map(JSON.string)))) }
    if let seed = sampling.seed {
      guard let seed = Int(exactly: seed) else {
        throw ServerError.cannot("the seed \(seed) is too large for a server; give one below \(Int.max)")
      }
      members.append(("seed", .integer(seed)))
    }
    if !sampling.logitBias.isEmpty {
      var biases = JSONObject()
      for (id, value) in sampling.logitBias.sorted(by: { $0.key < $1.key }) {
        biases.append("\(id)", value == -.infinity ? .bool(false) : number(value))
      }
      members.append(("logit_bias", .object(biases)))
    }
    return members
  }
}

/// An answer as its chunks come.
private struct ServerAnswer {
  var generation = Generation()
  let limit: Int?
  let contextLength: Int?
  private let start = ContinuousClock.now
  private var firstText: ContinuousClock.Instant?

  init(limit: Int?, contextLength: Int?) {
    self.limit = limit
    self.contextLength = contextLength
  }

  /// - Returns: the text that a chunk adds.
  mutating func take(_ event: JSON) -> String {
    let choice = event["choices"]?.array?.first
    let text = choice?["delta"]?["content"]?.string ?? choice?["text"]?.string ?? ""
    if !text.isEmpty {
      firstText = firstText ?? .now
      generation.timeToFirstToken = start.duration(to: firstText ?? .now) / .seconds(1)
      generation.text += text
    }
    if let usage = event["usage"], !usage.isNull { take(usage: usage) }
    if let timings = event["timings"], !timings.isNull {
      generation.prefillSeconds = (timings["prompt_ms"]?.double ?? 0) / 1000
      generation.decodeSeconds = (timings["predicted_ms"]?.double ?? 0) / 1000
    }
    if let seed = (event["dera"] ?? choice?["dera"])?["seed"]?.int { generation.seed = UInt64(clamping: seed) }
    if choice?["finish_reason"]?.string == "length" { generation.finishReason = .length }
    let isFull = generation.finishReason == .length && generation.answerTokens > 0
    if isFull, generation.answerTokens < limit ?? .max, contextLength != nil { generation.finishReason = .context }
    return text
  }

  private mutating func take(usage: JSON) {
    generation.promptTokens = usage["prompt_tokens"]?.int ?? 0
    generation.answerTokens = usage["completion_tokens"]?.int ?? 0
    generation.reusedTokens = usage["prompt_tokens_details"]?["cached_tokens"]?.int ?? 0
    if generation.decodeSeconds == 0, let firstText {
      generation.decodeSeconds = firstText.duration(to: .now) / .seconds(1)
    }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, JSON)...) {
    self.init()
    for (key, value) in elements { append(key, value) }
  }
}
