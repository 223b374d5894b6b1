import DeRaTokenization
import Synchronization

/// Answers many requests with one batch: each has its own λ and sampling, joins when a sequence is free, and has the bits
/// it would have alone and in a fresh session.
///
/// It computes on a thread of its own; nobody who submits, cancels or looks waits for a step. A step is the next token of
/// every answer beside a stretch of one prompt. What prompts have in common is computed once.
package actor AnswerEngine {
  package nonisolated let bundle: ModelBundle
  package nonisolated let contextLength: Int
  /// Answers that are computed together.
  package nonisolated let sequences: Int
  /// Bytes it occupies when all contexts are full.
  package nonisolated let memory: MemoryReport
  private nonisolated let blend: Blend
  private let thread: ComputeThread
  private nonisolated let inbox: Mutex<Inbox>
  /// Requests that may wait.
  private nonisolated let queueLength: Int

  let loop: AnswerLoop<DecodingBatch, Tokenizer.StreamingDecoder>
  /// `[sequences]`
  var running: [RunningAnswer?]
  /// `[sequences]`: whether it holds the reference prompt of an answer in another.
  var isReference: [Bool]
  /// `[sequences]`: when each was used last, counted in steps.
  var lastUsed: [Int]
  var waiting: [Answer] = []
  private var stretch: Stretch
  private let clock = ContinuousClock()

  private struct Inbox {
    var arrived: [Answer] = []
    var isWorking = false
    var isStopped = false
    var snapshot: EngineSnapshot
  }

  package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// - Parameters:
  ///   - batch: the sequences that answers are computed in.
  ///   - queueLength: requests that may wait; more are refused.
  /// - Throws: `DeRaError.outOfMemory` when the system refuses a thread.
  package init(_ batch: DecodingBatch, queueLength: Int) throws(DeRaError) {
    let sequences = batch.sessions
    bundle = batch.bundle
    contextLength = sequences[0].contextLength
    self.sequences = sequences.count
    memory = batch.memory
    blend = batch.blend
    thread = try ComputeThread(pool: sequences[0].engine.pool)
    loop = AnswerLoop(batch)
    self.queueLength = queueLength
    stretch = Stretch(longest: batch.longestUsefulStretch)
    running = sequences.map { _ in nil }
    isReference = sequences.map { _ in false }
    lastUsed = sequences.map { _ in 0 }
    inbox = Mutex(Inbox(snapshot: EngineSnapshot(slots: sequences.map { _ in EngineSnapshot.Slot() })))
  }

  /// Takes a request.
  /// - Throws: `EngineError`; `GenerationError`, `SamplingError` or `SessionError` for a request that no engine of this
  ///   context length can answer.
  package nonisolated func submit(_ request: AnswerRequest) throws -> Answer { try submit([request])[0] }

  /// Takes several requests or none; the queue has room for all or for none of them, however many they are.
  /// - Throws: as for one.
  package nonisolated func submit(_ requests: [AnswerRequest]) throws -> [Answer] {
    for request in requests { try check(request) }
    let answers = requests.map { Answer($0) }
    let mustStart = try inbox.withLock { inbox throws(EngineError) in
      if inbox.isStopped { throw .stopped }
      let count = inbox.snapshot.waiting + inbox.arrived.count
      let free = inbox.snapshot.slots.count { !$0.isBusy }
      guard count < queueLength + free else { throw .overloaded(waiting: count) }
      inbox.arrived += answers
      defer { inbox.isWorking = true }
      return !inbox.isWorking
    }
    if mustStart { Task { await work() } }
    return answers
  }

  private nonisolated func check(_ request: AnswerRequest) throws {
    try request.options.check(
      prompt: request.prompt, reference: request.referencePrompt, contextLength: contextLength, blend: blend)
    if request.referencePrompt != nil, sequences < 2 { throw EngineError.oneSequence }
    let tokens = request.prompt + (request.referencePrompt ?? [])
    if let token = tokens.first(where: { $0 < 0 || $0 >= bundle.vocabularySize }) {
      throw SessionError.invalidToken(token, vocabularySize: bundle.vocabularySize)
    }
  }

  package nonisolated var snapshot: EngineSnapshot {
    inbox.withLock { inbox in
      var snapshot = inbox.snapshot
      snapshot.waiting += inbox.arrived.count
      return snapshot
    }
  }

  /// Takes no more requests and ends the answers that wait or are under way, with `EngineError.stopped`.
  package nonisolated func stop() async {
    inbox.withLock { $0.isStopped = true }
    await end()
  }

  /// Has its turn once `work` is over.
  private func end() {
    receive()
    fail(EngineError.stopped)
    publish()
  }

  /// Computes until nothing is left to do or it is stopped. It never waits: a suspended task goes through Swift's
  /// cooperative threads, and the pool's threads fall asleep meanwhile.
  private func work() {
    while receive() {
      retire()
      admit()
      realign()
      step()
      publish()
    }
  }

  /// False, and no longer working, when there is nothing to do.
  @discardableResult
  private func receive() -> Bool {
    inbox.withLock { inbox in
      waiting += inbox.arrived
      inbox.arrived.removeAll()
      inbox.isWorking = !(waiting.isEmpty && loop.isIdle)
      return inbox.isWorking && !inbox.isStopped
    }
  }

  /// Ends what nobody wants any more.
  private func retire() {
    waiting.removeAll {
      if $0.isCancelled { $0.end() }
      return $0.isCancelled
    }
    for place in running.indices where running[place]?.answer.isCancelled == true {
      loop.cancel(place)
      running[place]?.answer.end()
      free(place)
    }
  }

  /// Makes the sequences of an answer free; what they hold stays.
  private func free(_ place: Int) {
    if let other = running[place]?.reference { isReference[other] = false }
    loop.batch.sessions[place].reference = nil
    running[place] = nil
  }

  /// Gives answers the λ that their schedules or readers want for the next token.
  private func realign() {
    for place in running.indices {
      guard let wanted = running[place]?.nextRealignment() else { continue }
      loop.setRealignment(wanted, at: place)
      if let token = running[place]?.tokens { running[place]?.answer.send(.realigned(token: token, wanted)) }
    }
  }

  private func step() {
    guard !loop.isIdle else { return }
    let behind = running.indices.filter { isReading($0) }
    let before = behind.map { computed($0) }
    let answers = running.count { $0 != nil } - behind.count
    loop.batch.longestStretch = stretch.length(isAlone: answers == 0)
    let start = clock.now
    do {
      try loop.step { place, progress in report(progress, at: place) }
    } catch {
      return fail(error)
    }
    let tokens = zip(behind, before).reduce(0) { $0 + max(computed($1.0) - $1.1, 0) }
    stretch.measured(start.duration(to: clock.now) / .seconds(1), promptTokens: tokens, answers: answers)
    for place in behind where running[place] != nil {
      let total = running[place]?.answer.request.prompt.count ?? 0
      running[place]?.answer.send(.prompt(processed: min(computed(place), total), total: total))
    }
  }

  /// Passes on what became of an answer.
  private func report(_ progress: AnswerLoop<DecodingBatch, Tokenizer.StreamingDecoder>.Progress, at place: Int) {
    guard var state = running[place] else { return }
    let answer = state.answer
    if !progress.promptLogprobs.isEmpty { answer.send(.promptLogprobs(progress.promptLogprobs)) }
    if let token = progress.token {
      state.tokens += 1
      // A token that ends the answer is not part of it.
      if progress.finished == nil || !isEnd(token, of: answer.request) {
        let text = progress.finished == nil ? progress.text : ""
        answer.send(.token(id: token, text: text, logprobs: progress.logprobs))
      }
    }
    running[place] = state
    if let generation = progress.finished {
      count(generation)
      answer.end(.finished(generation, text: progress.text))
    } else if let failure = progress.failure {
      answer.end(.failed(failure))
    } else {
      return
    }
    free(place)
  }

  private func isEnd(_ token: Int32, of request: AnswerRequest) -> Bool {
    !request.options.ignoresEndOfText
      && (bundle.endOfText.contains(token) || request.options.furtherEnds.contains(token))
  }

  /// No answer can go on.
  private func fail(_ error: any Error) {
    for place in running.indices {
      loop.cancel(place)
      running[place]?.answer.end(.failed(error))
      free(place)
    }
    for answer in waiting { answer.end(.failed(error)) }
    waiting = []
  }

  private func count(_ generation: Generation) {
    inbox.withLock { inbox in
      inbox.snapshot.answers += 1
      inbox.snapshot.promptTokens += generation.promptTokens - generation.reusedTokens
      inbox.snapshot.cachedTokens += generation.reusedTokens
      inbox.snapshot.answerTokens += generation.answerTokens
      inbox.snapshot.promptSeconds += generation.prefillSeconds
      inbox.snapshot.answerSeconds += generation.decodeSeconds
    }
  }

  private func publish() {
    inbox.withLock { inbox in
      inbox.snapshot.waiting = waiting.count
      inbox.snapshot.steps += 1
      for place in running.indices {
        inbox.snapshot.slots[place].isBusy = running[place] != nil || isReference[place]
        if isReference[place] { lastUsed[place] = inbox.snapshot.steps }
        inbox.snapshot.slots[place].computedTokens = loop.batch.sessions[place].tokens.count
        guard let state = running[place] else { continue }
        lastUsed[place] = inbox.snapshot.steps
        inbox.snapshot.slots[place].promptTokens = state.answer.request.prompt.count
        inbox.snapshot.slots[place].answerTokens = state.tokens
        inbox.snapshot.slots[place].realignment = state.realignment
      }
    }
  }
}

/// An answer in its sequence.
struct RunningAnswer {
  let answer: Answer
  /// The sequence of the reference prompt.
  let reference: Int?
  var realignment: Realignment
  /// Drawn so far.
  var tokens = 0
  private var schedule: ArraySlice<(token: Int, realignment: Realignment)>

  init(_ answer: Answer, reference: Int?) {
    self.answer = answer
    self.reference = reference
    realignment = answer.request.realignment
    schedule = answer.request.schedule[...]
  }

  /// λ from the next token on, where it changes: the schedule's, or, later than that, a reader's.
  mutating func nextRealignment() -> Realignment? {
    var wanted: Realignment?
    while let next = schedule.first, next.token <= tokens { wanted = schedule.removeFirst().realignment }
    wanted = answer.takeRealignment() ?? wanted
    guard let wanted, wanted != realignment else { return nil }
    realignment = wanted
    return wanted
  }
}
