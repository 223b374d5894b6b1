import DeRaKernels
import DeRaModelSpec
import DeRaTensorCore
import DeRaTransformer

/// The working memory of the passes of one or several sessions, and what the pass at hand is to compute.
///
/// Sessions that share one step together: a matrix is read once for all their columns.
final class Workspace {
  let models: SessionModels
  let state: DecoderState
  /// The requests of a step: each a session and the weights of its models.
  private let requests: UnsafeMutableBufferPointer<Request>
  private var requestCount = 0
  /// `[sessions, models of a session]`
  private let weights: UnsafeMutableBufferPointer<Float>
  let runs: UnsafeMutableBufferPointer<Run>
  /// The tokens of the runs, `[columns]`.
  let ids: UnsafeMutablePointer<Int32>
  let terms: UnsafeMutableBufferPointer<BlendTerm>
  var shouldContinue: (() -> Bool)?
  /// Most tokens of one text that a step computes, so that others need not wait for the whole of it; nil computes all.
  var longestStretch: Int?
  /// The request whose text was behind and had its turn last.
  private var lastTurn = -1

  private struct Request {
    unowned(unsafe) let session: DecodingSession
    /// Weight of its blend in its output.
    var share: Float
    /// Whether it shares the output of the request before it.
    var joins = false
    /// The length up to which its models run in this step; 0 leaves it out.
    var end = 0
    /// Its column of logits; nil where the text's end is not reached in this step.
    var output: Int?
  }

  private var perSession: Int { models.perSession }

  /// - Parameters:
  ///   - models: the models of the sessions that step together.
  ///   - maxOutputs: most positions whose logits are computed together, at least one a session.
  ///   - cacheCodec: of the sessions' keys and values.
  /// - Throws: `TensorError` when the buffers do not fit into the address space.
  init(
    models: SessionModels, contextLength: Int, engine: Engine, maxOutputs: Int, cacheCodec: CacheCodec
  ) throws(TensorError) {
    let sessions = models.sessions
    let columns = try CheckedSize.product(sessions, models.perSession)
    let outputs = max(maxOutputs, sessions)
    state = try DecoderState(
      models.decoder, engine: engine,
      // A stretch of a prompt fits beside the next token of every other session.
      maxColumns: max(
        2 * columns, min(DecodingSession.passColumns + columns - models.perSession, contextLength * columns)),
      maxOutputs: outputs, context: contextLength, cacheCodec: cacheCodec)
    self.models = models
    requests = .allocate(capacity: sessions)
    weights = .allocate(capacity: columns)
    weights.initialize(repeating: 0)
    // For a known text a model may run twice, beside the reference and by itself.
    runs = .allocate(capacity: 2 * columns)
    ids = .allocate(capacity: state.maxColumns)
    terms = .allocate(capacity: models.perSession * outputs)
  }

  deinit {
    requests.deallocate()
    weights.deallocate()
    runs.deallocate()
    ids.deallocate()
    terms.deallocate()
  }

  /// A cache for one model of a session.
  func cache(contextLength: Int, codec: CacheCodec) throws(TensorError) -> KVCache {
    try KVCache(models.bundle.configuration, capacity: contextLength, codec: codec, longestRun: state.maxColumns)
  }

  /// Starts another step.
  func clear() { requestCount = 0 }

  /// Asks for the logits after a session's last token.
  ///
  /// A model or a prompt of weight 0 is left out: its cost is saved, and λ = 1 is the aligned model alone to the bit.
  /// - Returns: the request's number, for `output(of:)`.
  /// - Throws: `SessionError.outOfMemory` when the weights that λ needs cannot be streamed.
  @discardableResult
  func request(_ session: DecodingSession, _ realignment: Realignment) throws(SessionError) -> Int {
    let count = models.bundle.decoder.models.count
    precondition(realignment.lambdas.count == count - 1, "one λ for every aligned model")
    try extendStreaming(realignment)
    let first = requestCount
    guard let reference = session.reference, realignment.prompt != 1 else {
      add(session, realignment, share: 1)
      return first
    }
    if realignment.prompt != 0 { add(session, realignment, share: realignment.prompt) }
    add(reference, realignment, share: realignment.referencePromptWeight, joins: realignment.prompt != 0)
    return first
  }

  private func add(_ session: DecodingSession, _ realignment: Realignment, share: Float, joins: Bool = false) {
    session.mix(realignment)
    for model in 0..<perSession {
      let isReference = model == 0
      weights[requestCount * perSession + model] =
        switch models.blend {
        case .logits: isReference ? realignment.referenceWeight : realignment.lambdas[model - 1]
        case .weights: isReference ? 1 : 0
        }
    }
    requests.initializeElement(at: requestCount, to: Request(session: session, share: share, joins: joins))
    requestCount += 1
  }

  /// Plans which weights of some models are kept in memory.
  /// - Throws: `SessionError.outOfMemory` when the limit is too small.
  func stream(_ needed: Set<Int>, limit: Int) throws(SessionError) {
    do throws(TensorError) {
      state.streaming = try WeightStreaming(models.bundle.decoder, models: needed.sorted(), limit: limit)
    } catch {
      throw .outOfMemory("\(error)")
    }
  }

  /// Makes another plan for a λ that needs models the plan has not: for all that were needed so far, or if there is no
  /// room for so many, for these.
  private func extendStreaming(_ realignment: Realignment) throws(SessionError) {
    guard let streaming = state.streaming else { return }
    let isPlanned = models.bundle.decoder.models.indices.allSatisfy {
      !realignment.reads($0, models.blend) || streaming.models.contains($0)
    }
    if isPlanned { return }
    let needed = realignment.modelsRead(models.blend)
    do throws(SessionError) {
      try stream(needed.union(streaming.models), limit: streaming.limit)
    } catch {
      try stream(needed, limit: streaming.limit)
    }
  }

  /// Runs the models that the requests need up to each session's last token, or a stretch of a long text, then blends.
  /// - Parameter model: its own logits are wanted instead of the blend; the requests need it.
  /// - Returns: `[outputs, vocabularySize]`, valid until the next step; `output(of:)` says whose they are.
  /// - Throws: `SessionError.cancelled` between two passes; a later step goes on from there.
  func logits(of model: Int? = nil) throws(SessionError) -> Panel {
    planStep()
    let decoder = models.decoder
    var passes = 0
    while true {
      let used = collectRuns()
      if used == 0 { break }
      try checkContinues(afterPasses: passes)
      passes += 1
      decoder.forward(UnsafeBufferPointer(rebasing: runs[0..<used]), in: state)
      var column = 0
      for run in runs[0..<used] {
        column += run.count
        let session = requests[run.sequence].session
        session.keep(state.final.column(column - 1), model: run.model - session.firstModel)
      }
    }
    var count = 0
    var outputs = 0
    for index in 0..<requestCount where isComplete(index) {
      if !requests[index].joins { outputs += 1 }
      let session = requests[index].session
      for other in 0..<perSession where needs(index, other) && (model ?? other) == other {
        terms.initializeElement(
          at: count,
          to: BlendTerm(
            output: outputs - 1, model: session.firstModel + other, hidden: session.hiddenState(other),
            weight: requests[index].share * (model == nil ? weights[index * perSession + other] : 1)))
        count += 1
      }
      requests[index].output = outputs - 1
    }
    return decoder.logits(UnsafeBufferPointer(rebasing: terms[0..<count]), outputs: outputs, in: state)
  }

  /// Whether the step reaches the ends of all texts of a request's output.
  private func isComplete(_ request: Int) -> Bool {
    func reaches(_ index: Int) -> Bool { requests[index].end == requests[index].session.tokens.count }
    let first = requests[request].joins ? request - 1 : request
    let isJoined = first + 1 < requestCount && requests[first + 1].joins
    return reaches(first) && (!isJoined || reaches(first + 1))
  }

  /// The column of a request's logits after `logits`; nil while its text is not computed to its end.
  func output(of request: Int) -> Int? { requests[request].output }

  private func needs(_ request: Int, _ model: Int) -> Bool { weights[request * perSession + model] != 0 }

  /// Decides how far every request's text is computed in this step: all of it, or, with a longest stretch, a stretch of
  /// one text that is more than a token behind, the texts in turn.
  private func planStep() {
    for index in 0..<requestCount {
      let session = requests[index].session
      if let weights = weights.baseAddress { session.prepare(weights + index * perSession) }
      requests[index].end = session.tokens.count
    }
    guard let longestStretch else { return }
    var turn: Int?
    for index in 0..<requestCount where isBehind(index) && (turn.map { $0 <= lastTurn && index > lastTurn } ?? true) {
      turn = index
    }
    for index in 0..<requestCount where isBehind(index) {
      let end = index == turn ? computed(index) + longestStretch : 0
      requests[index].end = min(end, requests[index].end)
    }
    if let turn { lastTurn = turn }
  }

  private func isBehind(_ request: Int) -> Bool { computed(request) < requests[request].session.tokens.count - 1 }

  /// Tokens of a request's text that all its models have computed.
  private func computed(_ request: Int) -> Int {
    var length = requests[request].session.tokens.count
    for model in 0..<perSession where needs(request, model) {
      length = min(length, requests[request].session.caches[model].length)
    }
    return length
  }

  /// - Throws: `SessionError.cancelled` between two passes when the caller no longer wants the result.
  func checkContinues(afterPasses passes: Int) throws(SessionError) {
    if passes > 0, let shouldContinue, !shouldContinue() { throw .cancelled }
  }

  /// The next run of every session and model that is behind. Those that miss little take what they miss, the others
  /// divide the rest of a pass's columns evenly.
  private func collectRuns() -> Int {
    let share = share()
    var used = 0
    var column = 0
    forEachBehind { model, index, missing in
      let count = min(missing, share)
      runs.initializeElement(
        at: used, to: requests[index].session.run(model, sequence: index, count: count, ids: ids + column))
      used += 1
      column += count
    }
    return used
  }

  /// Most tokens that one run of the next pass takes.
  private func share() -> Int {
    var share = 0
    while true {
      var columns = 0
      var larger = 0
      forEachBehind { _, _, missing in
        columns += min(missing, share)
        if missing > share { larger += 1 }
      }
      guard larger > 0, (state.maxColumns - columns) / larger > 0 else { return share }
      share += (state.maxColumns - columns) / larger
    }
  }

  /// Calls `body` with every model that has tokens to run. A model that is ahead waits for the others of its session, so
  /// that it runs beside the reference from where `DecodingSession.prepare` has put both.
  private func forEachBehind(_ body: (_ model: Int, _ request: Int, _ missing: Int) -> Void) {
    for model in 0..<perSession {
      for index in 0..<requestCount where needs(index, model) {
        let session = requests[index].session
        let length = session.caches[model].length
        var next = requests[index].end
        var isLast = true
        for other in 0..<perSession where needs(index, other) {
          let otherLength = session.caches[other].length
          if otherLength < length { isLast = false }
          if otherLength > length { next = min(next, otherLength) }
        }
        if isLast, next > length { body(model, index, next - length) }
      }
    }
  }
}
