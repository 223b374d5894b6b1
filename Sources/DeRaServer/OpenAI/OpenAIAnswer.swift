import DeRa

/// The response to a request of OpenAI's: events of the engine in, chunks or one object out.
protocol OpenAIAnswer {
  var envelope: Envelope { get }
  var exchange: Exchange { get }
  /// - Parameter index: which of the request's answers the event is of.
  mutating func take(_ event: AnswerEvent, of index: Int) throws(APIError)
  mutating func finish()
}

extension Service {
  /// Has the answers to a request written; `control` finds them by the response's id while they are.
  func write(
    _ answer: some OpenAIAnswer, _ requests: [AnswerRequest], _ settings: RequestSettings
  ) async throws(APIError) {
    var answer = answer
    let running = try answering.submit(requests)
    let id = answer.envelope.id
    live[id] = LiveAnswers.Entry(answers: running, lambda: settings.lambda)
    defer { live[id] = nil }
    // A whole response may take long to put together, which the event loop must not.
    let executor: (any TaskExecutor)? = settings.isStreamed ? answer.exchange.executor : nil
    try await withTaskExecutorPreference(executor) { () async throws(APIError) in
      try await follow(running) { index, event throws(APIError) in try answer.take(event, of: index) }
    }
    if !Task.isCancelled { answer.finish() }
  }
}
