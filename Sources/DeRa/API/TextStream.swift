import Synchronization

/// An answer's text as it is written, in pieces of whole characters.
///
/// It can be read once. Leaving the loop, or cancelling the task, stops the computation within a step.
public struct TextStream: AsyncSequence, Sendable {
  enum Source {
    /// Computed when it is asked for.
    case session(Session)
    /// Computed together with others, whether it is asked for or not.
    case batch(Batch)
  }

  let source: Source
  let control: AnswerControl

  /// The answer's λ. A new one counts from the next token that is computed; one that the bundle refuses ends the stream with
  /// an error.
  public var lambda: Lambda {
    get { control.lambda }
    nonmutating set { control.lambda = newValue }
  }

  /// The answer and what it cost, once it is complete.
  public var generation: Generation? { control.generation }

  /// An iterator over the pieces; the answer begins when the first one is asked for.
  public func makeAsyncIterator() -> Iterator { Iterator(source: source, control: control) }

  /// The pieces of an answer in order.
  public struct Iterator: AsyncIteratorProtocol {
    private let source: Source
    private let control: AnswerControl
    private var pieces: AsyncThrowingStream<String, any Error>.Iterator?

    init(source: Source, control: AnswerControl) {
      self.source = source
      self.control = control
      if case .batch(let batch) = source { pieces = batch.pieces(of: control).makeAsyncIterator() }
    }

    /// The next piece; nil at the answer's end.
    /// - Throws: `DeRaError`; `CancellationError` when the task was cancelled.
    public mutating func next() async throws -> String? {
      switch source {
      case .batch:
        guard let piece = try await pieces?.next() else {
          try Task.checkCancellation()
          return nil
        }
        return piece
      case .session(let session):
        return try await withTaskCancellationHandler {
          try await session.next(of: control)
        } onCancel: { [control] in
          control.cancel()
        }
      }
    }
  }

  /// Reads to the end.
  func wholeAnswer() async throws -> Generation {
    for try await _ in self {}
    guard let generation else { throw CancellationError() }
    return generation
  }
}

/// The request of an answer and its progress: shared by who computes and who reads.
final class AnswerControl: Sendable {
  private struct State {
    var lambda: Lambda
    var isNew = false
    var hasBegun = false
    var isCancelled = false
    var generation: Generation?
    /// Who is told of another λ at once.
    var listener: (@Sendable (Lambda) throws -> Void)?
    /// Why a λ was refused.
    var refusal: (any Error)?
  }

  let prompt: Prompt
  let options: GenerationOptions
  private let state: Mutex<State>

  init(_ prompt: Prompt, _ lambda: Lambda, _ options: GenerationOptions) {
    self.prompt = prompt
    self.options = options
    state = Mutex(State(lambda: lambda))
  }

  var lambda: Lambda {
    get { state.withLock { $0.lambda } }
    set {
      let listener = state.withLock { state in
        state.lambda = newValue
        state.isNew = true
        return state.listener
      }
      tell(listener, newValue)
    }
  }

  var isCancelled: Bool { state.withLock { $0.isCancelled } }
  var generation: Generation? { state.withLock { $0.generation } }
  var refusal: (any Error)? { state.withLock { $0.refusal } }

  /// λ if it has been changed since it was last taken.
  func takeNewLambda() -> Lambda? {
    state.withLock { state in
      defer { state.isNew = false }
      return state.isNew ? state.lambda : nil
    }
  }

  /// Tells of every λ from now on, and of one that has been set already.
  func forward(_ listener: @escaping @Sendable (Lambda) throws -> Void) {
    state.withLock { $0.listener = listener }
    if let lambda = takeNewLambda() { tell(listener, lambda) }
  }

  private func tell(_ listener: (@Sendable (Lambda) throws -> Void)?, _ lambda: Lambda) {
    do { try listener?(lambda) } catch { state.withLock { $0.refusal = error } }
  }

  /// False when the answer had begun already.
  func begin() -> Bool {
    state.withLock { state in
      defer { state.hasBegun = true }
      return !state.hasBegun
    }
  }

  func cancel() { state.withLock { $0.isCancelled = true } }
  func finish(_ generation: Generation?) { state.withLock { $0.generation = generation } }
}
