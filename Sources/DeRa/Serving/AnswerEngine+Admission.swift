/// Which request gets which sequence, and what it takes over of others.
extension AnswerEngine {
  /// A beginning shorter than this is not worth looking for.
  private static let shortestPrefix = 16

  /// Gives free sequences to waiting requests, first come, first served. One whose prompt's beginning is being computed for
  /// another request waits for it.
  func admit() {
    var index = 0
    while index < waiting.count, loop.freePlace != nil {
      let answer = waiting[index]
      if isWorthWaiting(for: answer.request) {
        index += 1
        continue
      }
      waiting.remove(at: index)
      start(answer)
    }
  }

  private func start(_ answer: Answer) {
    let request = answer.request
    let place = place(for: request)
    let texts = loop.batch.sessions.map(\.tokens)
    do {
      if !request.options.scoresPrompt { try takePrefix(request, at: place) }
      try loop.start(
        request.prompt, of: bundle, at: place, realignment: request.realignment, options: request.options)
    } catch {
      return answer.end(.failed(error))
    }
    let common = texts.lazy.map { $0.commonPrefix(request.prompt) }.max() ?? 0
    let hasTexts = texts.contains { !$0.isEmpty }
    let differs = hasTexts && common < request.prompt.count ? common : nil
    running[place] = RunningAnswer(answer)
    answer.send(.admitted(cached: min(computed(place), request.prompt.count), differsAt: differs))
  }

  /// The free sequence for a request: one that holds mostly the same text, else the least valuable.
  private func place(for request: AnswerRequest) -> Int {
    let free = running.indices.filter { running[$0] == nil }
    let shared = free.map { loop.batch.sessions[$0].reusable(of: request.prompt, request.realignment) }
    if let best = free.indices.max(by: { shared[$0] < shared[$1] }), shared[best] >= Self.shortestPrefix,
      2 * shared[best] >= loop.batch.sessions[free[best]].tokens.count
    {
      return free[best]
    }
    func value(_ place: Int) -> (Int, Int) {
      let length = loop.batch.sessions[place].tokens.count
      return (length == 0 ? -1 : lastUsed[place], length)
    }
    return free.min { value($0) < value($1) } ?? 0
  }

  /// Copies the longest beginning of the prompt that another sequence has, if it is longer than the sequence's own.
  private func takePrefix(_ request: AnswerRequest, at place: Int) throws {
    let sessions = loop.batch.sessions
    let shared = sessions.map { $0.reusable(of: request.prompt, request.realignment) }
    guard let best = shared.indices.max(by: { shared[$0] < shared[$1] }), shared[best] >= Self.shortestPrefix,
      shared[best] > shared[place]
    else { return }
    try sessions[place].takePrefix(shared[best], of: sessions[best], request.realignment)
  }

  /// Whether a prompt that is being read will soon give this one more than it can have now.
  private func isWorthWaiting(for request: AnswerRequest) -> Bool {
    if request.options.scoresPrompt { return false }
    let sessions = loop.batch.sessions
    let now = sessions.map { $0.reusable(of: request.prompt, request.realignment) }.max() ?? 0
    return running.indices.contains { place in
      guard isReading(place), let other = running[place], other.realignment.sharesCaches(with: request.realignment)
      else { return false }
      let later = min(sessions[place].tokens.commonPrefix(request.prompt), other.answer.request.prompt.count)
      return later >= now + Self.shortestPrefix && computed(place) < later
    }
  }

  /// Whether a sequence's text is more than a token behind: a prompt, or the text before a new λ.
  func isReading(_ place: Int) -> Bool {
    running[place] != nil && computed(place) < loop.batch.sessions[place].tokens.count - 1
  }

  func computed(_ place: Int) -> Int {
    guard let state = running[place] else { return 0 }
    return loop.batch.sessions[place].computed(state.realignment)
  }
}

extension Realignment {
  /// Whether what a sequence computes under this λ has all that another needs.
  fileprivate func sharesCaches(with other: Realignment) -> Bool {
    let (own, others) = (weights, other.weights)
    return others.indices.allSatisfy { model in
      others[model] == 0 || own[model] != 0 && (model == 0 || (own[0] != 0) == (others[0] != 0))
    }
  }
}
