import DeRa
import DeRaJSON

extension Service {
  /// `POST /v1/chat/completions`
  func chat(_ exchange: Exchange) async throws(APIError) {
    let request = try await prepared { () throws(APIError) in try ChatRequest(exchange.request, self) }
    try await write(ChatAnswer(request, exchange, self), request.answers, request.settings)
  }

  static let controlFields: [FieldDescription] = [
    FieldDescription(name: "id", schema: ["type": "string"]).required,
    FieldDescription(name: "action", schema: ["enum": ["set_lambda"]]).required, LambdaReader.field.required,
  ]

  /// `POST /v1/chat/completions/control`
  func control(_ request: Request) throws(APIError) -> Reply {
    let fields = try Self.fields(of: request)
    guard let id = try fields(Field<String>.text("id")) else { throw .invalid("'id' is missing", param: "id") }
    guard let action = try fields(Field<String>.text("action")) else {
      throw .invalid("'action' is missing; there is set_lambda", param: "action")
    }
    guard action == "set_lambda" else {
      throw .invalid("'action' is '\(action.prefix(40))'; there is set_lambda", param: "action")
    }
    guard let json = fields.json("lambda") else { throw .invalid("'lambda' is missing", param: "lambda") }
    let choice = try fields(Field<Int>.integer("index", 0...RequestSettings.choiceLimit))
    guard let entry = live[id] else { return Reply(json: ["success": false]) }
    let realignment = try entry.lambda(json, param: "lambda")
    let chosen = choice.map { $0 < entry.answers.count ? [entry.answers[$0]] : [] } ?? entry.answers
    for answer in chosen { answer.realign(realignment) }
    return Reply(json: ["success": .bool(!chosen.isEmpty)])
  }
}

/// The response to a chat request: events of the engine in, chunks or one object out.
struct ChatAnswer: OpenAIAnswer {
  let request: ChatRequest
  let exchange: Exchange
  let service: Service
  let envelope: Envelope
  private let entries: LogprobEntries
  private var choices: [Choice]
  private var tally = Tally()
  private var hasBegun = false

  init(_ request: ChatRequest, _ exchange: Exchange, _ service: Service) {
    self.request = request
    self.exchange = exchange
    self.service = service
    envelope = Envelope(
      "chatcmpl-", request.settings.isStreamed ? "chat.completion.chunk" : "chat.completion",
      model: request.settings.model, service)
    entries = LogprobEntries(tokenizer: service.model.tokenizer, aligned: service.model.aligned)
    choices = request.answers.map { Choice($0, tools: request.tools) }
    exchange.note(request.answers, service)
  }

  mutating func take(_ event: AnswerEvent, of index: Int) throws(APIError) {
    switch event {
    case .admitted(let cached, let differsAt):
      if index == 0 { exchange.note(cached: cached, differsAt: differsAt, request.answers[0], service) }
      begin(index)
      progress(cached, request.answers[index].prompt.count, cached: cached, index)
    case .prompt(let processed, let total): progress(processed, total, cached: choices[index].cachedTokens, index)
    case .promptLogprobs: break
    case .token(_, let text, let logprobs):
      if let logprobs { choices[index].logprobs.append(logprobs) }
      add(text, index)
    case .realigned(let token, let realignment): choices[index].trace.append((token, realignment))
    case .finished(let generation, let text):
      choices[index].generation = generation
      tally.add(generation, isFirst: index == 0)
      service.statistics.add(generation, choices[index].trace)
      exchange.record.withLock { $0.answerTokens = tally.answerTokens }
      add(text, index, isLast: true)
      end(index)
    case .failed(let error): throw APIError(error)
    }
  }

  // MARK: Streams

  private var isStreamed: Bool { request.settings.isStreamed }

  private mutating func begin(_ index: Int) {
    guard isStreamed else { return }
    if !hasBegun { exchange.begin(.events) }
    hasBegun = true
    send(index, delta: ["role": "assistant", "content": .null])
  }

  private mutating func progress(_ processed: Int, _ total: Int, cached: Int, _ index: Int) {
    choices[index].cachedTokens = cached
    guard isStreamed, request.showsProgress else { return }
    send(
      index, delta: JSON([]),
      [("prompt_progress", ["total": .integer(total), "cache": .integer(cached), "processed": .integer(processed)])])
  }

  private mutating func add(_ text: String, _ index: Int, isLast: Bool = false) {
    var number = choices[index].calls.count
    let pieces = choices[index].take(text, isLast: isLast)
    guard isStreamed else {
      for case .text(let text) in pieces { choices[index].text += text }
      return
    }
    for piece in pieces {
      switch piece {
      case .text(let text): send(index, delta: ["content": .string(text)], logprobs: choices[index].takeLogprobs())
      case .call(let call):
        send(index, delta: ["tool_calls": [call.openAI(index: number)]], logprobs: choices[index].takeLogprobs())
        number += 1
      }
    }
    // Log-probabilities of tokens that bring no text.
    if isLast, !choices[index].logprobs.isEmpty {
      send(index, delta: ["content": ""], logprobs: choices[index].takeLogprobs())
    }
  }

  private func end(_ index: Int) {
    guard isStreamed else { return }
    let choice = choices[index]
    send(
      index, delta: JSON([]), finish: choice.finishReason,
      [("timings", tally.timings), ("dera", choice.dera(request.settings.lambda))])
  }

  /// - Parameter logprobs: of the tokens that the delta is made of; nil for a delta without tokens.
  private func send(
    _ index: Int, delta: JSON, logprobs: [TokenLogprobs]? = nil, finish: JSON = .null, _ more: [(String, JSON)] = []
  ) {
    var choice: [(String, JSON)] = [("index", .integer(index)), ("delta", delta)]
    if let logprobs, request.settings.options.logprobs != nil {
      choice.append(("logprobs", ["content": .array(logprobs.map(entries.entry))]))
    }
    choice.append(("finish_reason", finish))
    exchange.send(StreamForm.events.frame(envelope.json([("choices", [JSON(choice)])] + more)))
  }

  // MARK: End

  /// Sends what is left once all choices are there.
  func finish() {
    guard choices.allSatisfy({ $0.generation != nil }) else {
      return exchange.fail(APIError(.internalServerError, "server_error", "the answer ended without a word"))
    }
    let dera = choices[0].dera(request.settings.lambda)
    guard isStreamed else {
      return exchange.reply(
        Reply(
          json: envelope.json([
            ("choices", .array(choices.indices.map(choice))), ("usage", tally.usage), ("timings", tally.timings),
            ("dera", dera),
          ])))
    }
    if request.settings.includesUsage {
      let members: [(String, JSON)] = [
        ("choices", []), ("usage", tally.usage), ("timings", tally.timings), ("dera", dera),
      ]
      exchange.send(StreamForm.events.frame(envelope.json(members)))
    }
    exchange.send(Array("data: [DONE]\n\n".utf8))
    exchange.finish()
  }

  private func choice(_ index: Int) -> JSON {
    let choice = choices[index]
    var message: [(String, JSON)] = [
      ("role", "assistant"), ("content", choice.text.isEmpty && !choice.calls.isEmpty ? .null : .string(choice.text)),
    ]
    if !choice.calls.isEmpty { message.append(("tool_calls", .array(choice.calls.map { $0.openAI(index: nil) }))) }
    var members: [(String, JSON)] = [
      ("index", .integer(index)), ("message", JSON(message)),
      (
        "logprobs",
        request.settings.options.logprobs == nil ? .null : ["content": .array(choice.logprobs.map(entries.entry))]
      ),
      ("finish_reason", choice.finishReason),
    ]
    if choices.count > 1 { members.append(("dera", choice.dera(request.settings.lambda))) }
    return JSON(members)
  }
}

extension Exchange {
  /// Notes for the log what is being asked for.
  func note(_ requests: [AnswerRequest], _ service: Service) {
    let lambdas = requests.map { $0.realignment.description(models: service.model.aligned) }
    record.withLock {
      $0.promptTokens = requests.first?.prompt.count
      $0.lambda = Set(lambdas).count == 1 ? lambdas[0] : lambdas.joined(separator: ";")
    }
  }

  /// Notes what was cached, and where the prompt left the text that is most like it: `differs at "…time is 20:3|7"`.
  func note(cached: Int, differsAt: Int?, _ request: AnswerRequest, _ service: Service) {
    record.withLock {
      $0.cachedTokens = cached
      guard let differsAt, differsAt < request.prompt.count else { return }
      let tokenizer = service.model.tokenizer
      func text(_ ids: ArraySlice<Int32>) -> String {
        String(decoding: tokenizer.decode(ids, skipSpecial: false), as: UTF8.self)
      }
      let before = text(request.prompt[max(differsAt - 8, 0)..<differsAt])
      let after = text(request.prompt[differsAt..<min(differsAt + 4, request.prompt.count)])
      $0.remark = "differs at \"\(differsAt > 8 ? "…" : "")\(before.suffix(24))|\(after.prefix(12))\""
    }
  }
}
