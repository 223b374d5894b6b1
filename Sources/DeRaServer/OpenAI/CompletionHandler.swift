import DeRa
import DeRaJSON

extension Service {
  /// `POST /v1/completions`
  func completions(_ exchange: Exchange) async throws(APIError) {
    let request = try await prepared { () throws(APIError) in try CompletionRequest(exchange.request, self) }
    try await write(CompletionAnswer(request, exchange, self), request.answers, request.settings)
  }
}

/// The response to a request to continue texts.
struct CompletionAnswer: OpenAIAnswer {
  let request: CompletionRequest
  let exchange: Exchange
  let service: Service
  let envelope: Envelope
  private var choices: [Choice]
  private var columns: [LogprobColumns]
  private var tally = Tally()
  private var hasBegun = false
  private var hasShownPrompt: [Bool]

  init(_ request: CompletionRequest, _ exchange: Exchange, _ service: Service) {
    self.request = request
    self.exchange = exchange
    self.service = service
    envelope = Envelope("cmpl-", "text_completion", model: request.settings.model, service)
    choices = request.answers.map { Choice($0) }
    hasShownPrompt = request.answers.map { _ in false }
    columns = request.answers.map { _ in LogprobColumns(tokenizer: service.model.tokenizer) }
    exchange.note(request.answers, service)
    guard request.echoes else { return }
    for index in choices.indices {
      choices[index].text = prompt(index).text
      if wantsLogprobs, let first = prompt(index).ids.first { columns[index].addFirst(first) }
    }
  }

  private var isStreamed: Bool { request.settings.isStreamed }
  private var wantsLogprobs: Bool { request.settings.options.logprobs != nil }
  private func prompt(_ index: Int) -> CompletionRequest.Prompt { request.prompts[index / request.choicesEach] }

  mutating func take(_ event: AnswerEvent, of index: Int) throws(APIError) {
    switch event {
    case .admitted(let cached, let differsAt):
      if index == 0 { exchange.note(cached: cached, differsAt: differsAt, request.answers[0], service) }
      if isStreamed && !hasBegun { exchange.begin(.events) }
      hasBegun = true
    case .prompt: break
    case .promptLogprobs(let tokens): for token in tokens { columns[index].add(token) }
    case .token(_, let text, let logprobs):
      if let logprobs { columns[index].add(logprobs) }
      add(text, index)
    case .realigned(let token, let realignment): choices[index].trace.append((token, realignment))
    case .finished(let generation, let text):
      choices[index].generation = generation
      tally.add(generation, isFirst: index % request.choicesEach == 0)
      service.statistics.add(generation, choices[index].trace)
      exchange.record.withLock { $0.answerTokens = tally.answerTokens }
      add(text, index)
      if isStreamed { send(index, text: "", finish: choices[index].finishReason) }
    case .failed(let error): throw APIError(error)
    }
  }

  private mutating func add(_ text: String, _ index: Int) {
    guard isStreamed else {
      choices[index].text += text
      return
    }
    let shown = request.echoes && !hasShownPrompt[index] ? choices[index].text + text : text
    hasShownPrompt[index] = true
    if !shown.isEmpty || columns[index].hasMore { send(index, text: shown, finish: .null) }
  }

  private mutating func send(_ index: Int, text: String, finish: JSON) {
    var choice: [(String, JSON)] = [
      ("index", .integer(index)), ("text", .string(text)),
      ("logprobs", wantsLogprobs ? columns[index].take() : .null), ("finish_reason", finish),
    ]
    if !finish.isNull { choice.append(("dera", choices[index].dera(request.settings.lambda))) }
    exchange.send(StreamForm.events.frame(envelope.json([("choices", [JSON(choice)])])))
  }

  mutating func finish() {
    guard choices.allSatisfy({ $0.generation != nil }) else {
      return exchange.fail(APIError(.internalServerError, "server_error", "the answer ended without a word"))
    }
    let dera = choices[0].dera(request.settings.lambda)
    let figures: [(String, JSON)] = [("usage", tally.usage), ("timings", tally.timings), ("dera", dera)]
    guard isStreamed else {
      let all = choices.indices.map { choice($0) }
      return exchange.reply(Reply(json: envelope.json([("choices", .array(all))] + figures)))
    }
    if request.settings.includesUsage {
      exchange.send(StreamForm.events.frame(envelope.json([("choices", [])] + figures)))
    }
    exchange.send(Array("data: [DONE]\n\n".utf8))
    exchange.finish()
  }

  private mutating func choice(_ index: Int) -> JSON {
    let choice = choices[index]
    var members: [(String, JSON)] = [
      ("index", .integer(index)), ("text", .string(choice.text)),
      ("logprobs", wantsLogprobs ? columns[index].take() : .null), ("finish_reason", choice.finishReason),
    ]
    if choices.count > 1 { members.append(("dera", choice.dera(request.settings.lambda))) }
    return JSON(members)
  }
}
