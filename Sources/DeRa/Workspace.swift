import Kernels
import ModelSpec
import TensorCore
import Transformer

/// The working memory of the passes of one or several sessions, and what the pass at hand is to compute.
///
/// Sessions that share one step together: a matrix is read once for all their columns.
final class Workspace {
  let bundle: ModelBundle
  let state: DecoderState
  /// What a step was asked for: a session and the weights of its models.
  private let requests: UnsafeMutableBufferPointer<Request>
  private var requestCount = 0
  /// `[sessions, models]`
  private let weights: UnsafeMutableBufferPointer<Float>
  let runs: UnsafeMutableBufferPointer<Run>
  /// The tokens of the runs, `[columns]`.
  let ids: UnsafeMutablePointer<Int32>
  let terms: UnsafeMutableBufferPointer<BlendTerm>
  var shouldContinue: (() -> Bool)?

  private struct Request {
    unowned(unsafe) let session: Session
  }

  private var models: Int { bundle.decoder.models.count }

  /// - Parameters:
  ///   - sessions: most sessions that step together.
  ///   - maxOutputs: most positions whose logits are computed together, at least `sessions`.
  /// - Throws: `TensorError` when the buffers do not fit into the address space.
  init(
    bundle: ModelBundle, sessions: Int, contextLength: Int, engine: Engine, maxOutputs: Int
  ) throws(TensorError) {
    let models = bundle.decoder.models.count
    let columns = try CheckedSize.product(sessions, models)
    let outputs = max(maxOutputs, sessions)
    state = try DecoderState(
      bundle.decoder, engine: engine, maxColumns: max(columns, min(Session.passColumns, contextLength * columns)),
      maxOutputs: outputs, context: contextLength)
    self.bundle = bundle
    requests = .allocate(capacity: sessions)
    weights = .allocate(capacity: columns)
    weights.initialize(repeating: 0)
    runs = .allocate(capacity: columns)
    ids = .allocate(capacity: state.maxColumns)
    terms = .allocate(capacity: models * outputs)
  }

  deinit {
    requests.deallocate()
    weights.deallocate()
    runs.deallocate()
    ids.deallocate()
    terms.deallocate()
  }

  /// Starts another step.
  func clear() { requestCount = 0 }

  /// Asks for the logits after a session's last token.
  ///
  /// A model of weight 0 is left out: its cost is saved, and λ = 1 is the aligned model alone to the bit.
  func request(_ session: Session, _ realignment: Realignment) {
    precondition(realignment.lambdas.count == models - 1, "one λ for every aligned model")
    for model in 0..<models {
      weights[requestCount * models + model] =
        model == 0 ? realignment.referenceWeight : realignment.lambdas[model - 1]
    }
    requests.initializeElement(at: requestCount, to: Request(session: session))
    requestCount += 1
  }

  /// Runs the models that the requests need up to each session's last token, then blends.
  /// - Returns: `[requests, vocabularySize]`, valid until the next step.
  /// - Throws: `SessionError.cancelled` between two passes; a later step goes on from there.
  func logits() throws(SessionError) -> Panel {
    for index in 0..<requestCount {
      for model in 0..<models where weights[index * models + model] != 0 { requests[index].session.rewind(model) }
    }
    var passes = 0
    while true {
      let used = collectRuns()
      if used == 0 { break }
      try checkContinues(afterPasses: passes)
      passes += 1
      bundle.decoder.forward(UnsafeBufferPointer(rebasing: runs[0..<used]), in: state)
      var column = 0
      for run in runs[0..<used] {
        column += run.count
        requests[run.sequence].session.keep(state.final.column(column - 1), model: run.model)
      }
    }
    var count = 0
    for index in 0..<requestCount {
      for model in 0..<models where weights[index * models + model] != 0 {
        terms.initializeElement(
          at: count,
          to: BlendTerm(
            output: index, model: model, hidden: requests[index].session.hiddenState(model),
            weight: weights[index * models + model]))
        count += 1
      }
    }
    return bundle.decoder.logits(
      UnsafeBufferPointer(rebasing: terms[0..<count]), outputs: requestCount, in: state)
  }

  /// - Throws: `SessionError.cancelled` between two passes when the caller no longer wants the result.
  func checkContinues(afterPasses passes: Int) throws(SessionError) {
    if passes > 0, let shouldContinue, !shouldContinue() { throw .cancelled }
  }

  /// The next run of every session and model that is behind, the columns of a pass divided evenly.
  private func collectRuns() -> Int {
    var behind = 0
    forEachBehind { _, _, _ in behind += 1 }
    var used = 0
    var column = 0
    forEachBehind { model, index, missing in
      let count = min(missing, state.maxColumns / behind)
      runs.initializeElement(
        at: used, to: requests[index].session.run(model, sequence: index, count: count, ids: ids + column))
      used += 1
      column += count
    }
    return used
  }

  /// Calls `body` with every model that has tokens to run. Models of a session that are not equally far wait for each
  /// other, so that which of them run beside each other, and with it how they are coded, is the session's own matter.
  private func forEachBehind(_ body: (_ model: Int, _ request: Int, _ missing: Int) -> Void) {
    for model in 0..<models {
      for index in 0..<requestCount where weights[index * models + model] != 0 {
        let session = requests[index].session
        let length = session.caches[model].length
        var next = session.tokens.count
        var isLast = true
        for other in 0..<models where weights[index * models + other] != 0 {
          let otherLength = session.caches[other].length
          if otherLength < length { isLast = false }
          if otherLength > length { next = min(next, otherLength) }
        }
        if isLast, next > length { body(model, index, next - length) }
      }
    }
  }
}
