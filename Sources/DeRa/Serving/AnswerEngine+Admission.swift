/// Which request gets which sequence, and what it takes over of others.
extension AnswerEngine {
  /// A beginning shorter than this is not worth looking for.
  private static let shortestPrefix = 16

  /// Gives free sequences to waiting requests, first come, first served. One whose prompt's beginning is being computed for
  /// another request waits for it.
  func admit() {
    var index = 0
    while index < waiting.count, case let count = freePlaces.count, count > 0 {
      let answer = waiting[index]
      if isWorthWaiting(for: answer.request) || answer.request.referencePrompt != nil && count < 2 {
        index += 1
        continue
      }
      waiting.remove(at: index)
      start(answer)
    }
  }

  private func start(_ answer: Answer) {
    let request = answer.request
    let place = place(for: request.prompt, request.realignment)
    let texts = loop.batch.sessions.map(\.tokens)
    var reference: Int?
    do {
      if !request.options.scoresPrompt { try takePrefix(of: request.prompt, request.realignment, at: place) }
      if let prompt = request.referencePrompt {
        let other = self.place(for: prompt, request.realignment, except: place)
        try takePrefix(of: prompt, request.realignment, at: other)
        loop.batch.sessions[place].reference = loop.batch.sessions[other]
        reference = other
      }
      try loop.start(
        request.prompt, reference: request.referencePrompt, of: bundle, at: place, realignment: request.realignment,
        options: request.options)
    } catch {
      loop.batch.sessions[place].reference = nil
      return answer.end(.failed(error))
    }
    if let reference { isReference[reference] = true }
    let common = texts.lazy.map { $0.commonPrefix(request.prompt) }.max() ?? 0
    let hasTexts = texts.contains { !$0.isEmpty }
    let differs = hasTexts && common < request.prompt.count ? common : nil
    running[place] = RunningAnswer(answer, reference: reference)
    answer.send(.admitted(cached: min(computed(place), request.prompt.count), differsAt: differs))
  }

  private var freePlaces: [Int] { running.indices.filter { running[$0] == nil && !isReference[$0] } }

  /// The free sequence for a prompt: one that holds mostly the same text, else the least valuable.
  private func place(for prompt: [Int32], _ realignment: Realignment, except taken: Int? = nil) -> Int {
    let free = freePlaces.filter { $0 != taken }
    let shared = free.map { loop.batch.sessions[$0].reusable(of: prompt, realignment) }
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
  private func takePrefix(of prompt: [Int32], _ realignment: Realignment, at place: Int) throws {
    let sessions = loop.batch.sessions
    let shared = sessions.map { $0.reusable(of: prompt, realignment) }
    guard let best = shared.indices.max(by: { shared[$0] < shared[$1] }), shared[best] >= Self.shortestPrefix,
      shared[best] > shared[place]
    else { return }
    try sessions[place].takePrefix(shared[best], of: sessions[best], realignment)
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
    guard let state = running[place] else { return false }
    let sessions = loop.batch.sessions
    func isBehind(_ place: Int) -> Bool {
      sessions[place].computed(state.realignment) < sessions[place].tokens.count - 1
    }
    let weight = state.realignment.prompt
    return weight != 0 && isBehind(place) || weight != 1 && state.reference.map(isBehind) ?? false
  }

  /// Tokens of a sequence's text that are computed.
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
