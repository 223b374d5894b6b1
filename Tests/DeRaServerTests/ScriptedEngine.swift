import DeRa
import DeRaServer
import Synchronization

/// An engine that says what a test tells it to.
final class ScriptedEngine: Sendable {
  enum Script: Sendable {
    /// One token a word.
    case words([String])
    /// The same word again and again until the answer is cancelled.
    case endless(String)
    case refusal(APIError)
    /// Fails after the first word.
    case failure(String)
  }

  private struct State {
    var requests: [AnswerRequest] = []
    var cancelled = 0
    var realignments: [Realignment] = []
  }

  private let script: Script
  private let sequences: Int
  private let state = Mutex(State())

  init(_ script: Script, sequences: Int = 2) {
    self.script = script
    self.sequences = sequences
  }

  var requests: [AnswerRequest] { state.withLock { $0.requests } }
  var cancelled: Int { state.withLock { $0.cancelled } }
  var realignments: [Realignment] { state.withLock { $0.realignments } }

  var answering: Answering {
    Answering { requests throws(APIError) in
      if case .refusal(let error) = self.script { throw error }
      return requests.map(self.answer)
    } figures: {
      EngineSnapshot(slots: Array(repeating: EngineSnapshot.Slot(), count: self.sequences))
    }
  }

  private func answer(_ request: AnswerRequest) -> ServedAnswer {
    state.withLock { $0.requests.append(request) }
    let (events, continuation) = AsyncStream.makeStream(of: AnswerEvent.self)
    let task = Task { await self.play(request, continuation) }
    return ServedAnswer(
      events: events,
      cancel: {
        self.state.withLock { $0.cancelled += 1 }
        task.cancel()
      }, realign: { realignment in self.state.withLock { $0.realignments.append(realignment) } })
  }

  private func play(_ request: AnswerRequest, _ events: AsyncStream<AnswerEvent>.Continuation) async {
    events.yield(.admitted(cached: 3, differsAt: nil))
    var generation = Generation()
    generation.promptTokens = request.prompt.count
    generation.seed = request.options.sampling.seed ?? 0
    func token(_ text: String) {
      generation.answerTokens += 1
      events.yield(.token(id: 300, text: text, logprobs: request.options.logprobs.map(Self.logprobs)))
    }
    switch script {
    case .words(let words): for word in words { token(word) }
    case .endless(let word):
      while !Task.isCancelled {
        token(word)
        try? await Task.sleep(for: .milliseconds(2))
      }
    case .failure(let word):
      token(word)
      events.yield(.failed(SamplingError.nothingPossible))
      return events.finish()
    case .refusal: break
    }
    events.yield(.finished(generation, text: ""))
    events.finish()
  }

  private static func logprobs(_ count: Int) -> TokenLogprobs {
    var result = TokenLogprobs(token: TokenLogprobs.Entry(id: 300, logprob: -0.5))
    for rank in 0..<count {
      result.top.append(TokenLogprobs.Entry(id: Int32(300 + rank), logprob: -0.5 - Double(rank)))
    }
    return result
  }
}
