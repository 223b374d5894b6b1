import DeRa
import DeRaJSON
import DeRaPlatform

/// The members that all parts of one response have in common.
struct Envelope: Sendable {
  let id: String
  let object: String
  let created: Int
  let model: String
  let fingerprint: String

  init(_ prefix: String, _ object: String, model: String, _ service: Service) {
    id = prefix + randomName()
    self.object = object
    created = time(nil)
    self.model = model
    fingerprint = service.model.systemFingerprint
  }

  func json(_ members: [(String, JSON)]) -> JSON {
    JSON(
      [
        ("id", .string(id)), ("object", .string(object)), ("created", .integer(created)), ("model", .string(model)),
        ("system_fingerprint", .string(fingerprint)),
      ] + members)
  }
}

/// Tokens and times of the answers of one request.
struct Tally: Sendable {
  var promptTokens = 0
  var cachedTokens = 0
  var answerTokens = 0
  var promptSeconds = 0.0
  var answerSeconds = 0.0

  /// Adds an answer to a prompt that is counted once.
  mutating func add(_ generation: Generation, isFirst: Bool) {
    if isFirst {
      promptTokens += generation.promptTokens
      cachedTokens += generation.reusedTokens
    }
    promptSeconds += generation.prefillSeconds
    answerTokens += generation.answerTokens
    answerSeconds += generation.decodeSeconds
  }

  var usage: JSON {
    [
      "prompt_tokens": .integer(promptTokens), "completion_tokens": .integer(answerTokens),
      "total_tokens": .integer(promptTokens + answerTokens),
      "prompt_tokens_details": ["cached_tokens": .integer(cachedTokens)],
    ]
  }

  /// llama.cpp's figures.
  var timings: JSON {
    let prompt = promptTokens - cachedTokens
    func rate(_ tokens: Int, _ seconds: Double) -> JSON { .double(seconds > 0 ? Double(tokens) / seconds : 0) }
    func each(_ tokens: Int, _ seconds: Double) -> JSON { .double(tokens > 0 ? seconds * 1000 / Double(tokens) : 0) }
    return [
      "cache_n": .integer(cachedTokens), "prompt_n": .integer(prompt), "prompt_ms": .double(promptSeconds * 1000),
      "prompt_per_token_ms": each(prompt, promptSeconds), "prompt_per_second": rate(prompt, promptSeconds),
      "predicted_n": .integer(answerTokens), "predicted_ms": .double(answerSeconds * 1000),
      "predicted_per_token_ms": each(answerTokens, answerSeconds),
      "predicted_per_second": rate(answerTokens, answerSeconds),
    ]
  }
}

/// One choice as it comes to be.
struct Choice: Sendable {
  let request: AnswerRequest
  /// λ from its beginning and what it changed to, with the token each began at.
  var trace: [(token: Int, realignment: Realignment)]
  var text = ""
  /// One for each of its tokens; in a stream for those that were not sent yet.
  var logprobs: [TokenLogprobs] = []
  /// Tokens of the prompt that were there.
  var cachedTokens = 0
  var generation: Generation?
  var calls: [ToolCall] = []
  /// nil where there are no tools.
  private var filter: ToolCallFilter?

  /// - Parameter tools: functions that the answer may call.
  init(_ request: AnswerRequest, tools: Tools? = nil) {
    self.request = request
    if let tools, !tools.isEmpty { filter = ToolCallFilter(names: tools.names) }
    trace = [(0, request.realignment)]
  }

  /// The part of the answer that is certain with more text: text and calls.
  /// - Parameter isLast: nothing follows.
  mutating func take(_ new: String, isLast: Bool) -> [ToolCallFilter.Piece] {
    guard filter != nil else { return new.isEmpty ? [] : [.text(new)] }
    let pieces = (filter?.append(new) ?? []) + (isLast ? filter?.finish() ?? [] : [])
    for case .call(let call) in pieces { calls.append(call) }
    return pieces
  }

  /// The log-probabilities that go with the next piece of a stream.
  mutating func takeLogprobs() -> [TokenLogprobs] {
    defer { logprobs = [] }
    return logprobs
  }

  /// `{lambda, lambda_trace, seed}`.
  func dera(_ lambda: LambdaReader) -> JSON {
    [
      "lambda": lambda.json(request.realignment),
      "lambda_trace": .array(trace.map { [.integer($0.token), lambda.json($0.realignment)] }),
      "seed": .integer(Int(truncatingIfNeeded: generation?.seed ?? request.options.sampling.seed ?? 0)),
    ]
  }

  /// OpenAI's word for why it ended.
  var finishReason: JSON {
    switch generation?.finishReason {
    case .stop?, .cancelled?, nil: calls.isEmpty ? "stop" : "tool_calls"
    case .length?, .context?: "length"
    }
  }
}
