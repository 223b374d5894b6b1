import DeRa
import DeRaJSON
import NIOCore

extension Service {
  /// `POST /api/chat` and `POST /api/generate`
  func ollama(_ exchange: Exchange, _ route: OllamaRequest.Route) async throws(APIError) {
    let begun = NIODeadline.now()
    let request = try await prepared { () throws(APIError) in try OllamaRequest(exchange.request, route, self) }
    var answer = OllamaAnswer(request, route, exchange, self, begun: begun)
    guard let wanted = request.answer else { return exchange.reply(Reply(json: answer.idle)) }
    exchange.note([wanted], self)
    let running = try answering.submit([wanted])
    try await follow(running) { _, event throws(APIError) in try answer.take(event) }
    if !Task.isCancelled { answer.finish() }
  }
}

/// The response to a request of Ollama's: a line for every piece of text, or one object.
struct OllamaAnswer {
  let request: OllamaRequest
  let route: OllamaRequest.Route
  let exchange: Exchange
  let service: Service
  let begun: NIODeadline
  private let entries: LogprobEntries
  private var choice: Choice?
  private var logprobs: [JSON] = []

  init(
    _ request: OllamaRequest, _ route: OllamaRequest.Route, _ exchange: Exchange, _ service: Service, begun: NIODeadline
  ) {
    self.request = request
    self.route = route
    self.exchange = exchange
    self.service = service
    self.begun = begun
    entries = LogprobEntries(tokenizer: service.model.tokenizer, aligned: service.model.aligned)
    choice = request.answer.map { Choice($0, tools: request.tools) }
  }

  /// The response to a request without a prompt.
  var idle: JSON { object("", done: true, [("done_reason", .string(request.idleReason))]) }

  mutating func take(_ event: AnswerEvent) throws(APIError) {
    switch event {
    case .admitted(let cached, let differsAt):
      if let answer = request.answer { exchange.note(cached: cached, differsAt: differsAt, answer, service) }
      if request.isStreamed { exchange.begin(.lines) }
    case .prompt, .promptLogprobs: break
    case .token(_, let text, let logprobs):
      if let logprobs { self.logprobs.append(entries.entry(logprobs)) }
      add(text)
    case .realigned(let token, let realignment): choice?.trace.append((token, realignment))
    case .finished(let generation, let text):
      choice?.generation = generation
      service.statistics.add(generation, choice?.trace ?? [])
      exchange.record.withLock { $0.answerTokens = generation.answerTokens }
      add(text, isLast: true)
    case .failed(let error): throw APIError(error)
    }
  }

  private mutating func add(_ text: String, isLast: Bool = false) {
    for piece in choice?.take(text, isLast: isLast) ?? [] {
      switch piece {
      case .text(let text):
        guard request.isStreamed else {
          choice?.text += text
          continue
        }
        exchange.send(StreamForm.lines.frame(object(text, done: false, takeLogprobs())))
      case .call(let call):
        if request.isStreamed { exchange.send(StreamForm.lines.frame(object("", calls: [call], done: false, []))) }
      }
    }
  }

  private mutating func takeLogprobs() -> [(String, JSON)] {
    defer { logprobs = [] }
    return logprobs.isEmpty ? [] : [("logprobs", .array(logprobs))]
  }

  mutating func finish() {
    guard let choice, let generation = choice.generation else {
      return exchange.fail(APIError(.internalServerError, "server_error", "the answer ended without a word"))
    }
    let last = object(
      choice.text, calls: request.isStreamed ? [] : choice.calls, done: true,
      takeLogprobs() + figures(generation) + [("dera", choice.dera(service.lambda))])
    guard request.isStreamed else { return exchange.reply(Reply(json: last)) }
    exchange.send(StreamForm.lines.frame(last))
    exchange.finish()
  }

  private func object(_ text: String, calls: [ToolCall] = [], done: Bool, _ more: [(String, JSON)]) -> JSON {
    var message: [(String, JSON)] = [("role", "assistant"), ("content", .string(text))]
    if !calls.isEmpty { message.append(("tool_calls", .array(calls.map(\.ollama)))) }
    let body: (String, JSON) =
      switch route {
      case .chat: ("message", JSON(message))
      case .generate: ("response", .string(text))
      }
    return JSON(
      [
        ("model", .string(request.model)), ("created_at", .string(timestamp(nanoseconds: true))), body,
        ("done", .bool(done)),
      ]
        + more)
  }

  /// Counts, and durations in nanoseconds.
  private func figures(_ generation: Generation) -> [(String, JSON)] {
    func nanoseconds(_ seconds: Double) -> JSON { .integer(Int(seconds * 1e9)) }
    let reason: JSON =
      switch generation.finishReason {
      case .stop, .cancelled: "stop"
      case .length, .context: "length"
      }
    return [
      ("done_reason", reason), ("total_duration", .integer(Int((NIODeadline.now() - begun).nanoseconds))),
      ("load_duration", 0), ("prompt_eval_count", .integer(generation.promptTokens)),
      ("prompt_eval_duration", nanoseconds(generation.prefillSeconds)),
      ("eval_count", .integer(generation.answerTokens)), ("eval_duration", nanoseconds(generation.decodeSeconds)),
    ]
  }
}
