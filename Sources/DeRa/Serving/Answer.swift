import Synchronization

/// A request that an `AnswerEngine` has taken: its events, and what can be changed while it is computed.
package final class Answer: Sendable {
  private struct State {
    var isCancelled = false
    var realignment: Realignment?
  }

  package let request: AnswerRequest
  /// Ends after `finished` or `failed`, or when the answer is cancelled. Whoever stops reading cancels it.
  package let events: AsyncStream<AnswerEvent>
  private let continuation: AsyncStream<AnswerEvent>.Continuation
  private let state = Mutex(State())

  init(_ request: AnswerRequest) {
    self.request = request
    (events, continuation) = AsyncStream.makeStream(of: AnswerEvent.self)
    continuation.onTermination = { [weak self] _ in self?.cancel() }
  }

  /// Ends the computation within a step.
  package func cancel() { state.withLock { $0.isCancelled = true } }

  /// Changes λ from the next token on.
  /// - Parameter realignment: a λ for every aligned model.
  package func setRealignment(_ realignment: Realignment) { state.withLock { $0.realignment = realignment } }

  var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// λ if it has been changed since it was last taken.
  func takeRealignment() -> Realignment? { state.withLock { $0.realignment.take() } }

  func send(_ event: AnswerEvent) { continuation.yield(event) }

  func end(_ event: AnswerEvent? = nil) {
    if let event { continuation.yield(event) }
    continuation.finish()
  }
}
