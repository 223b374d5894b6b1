import DeRa
import DeRaChatTemplate
import DeRaJSON
import NIOCore
import NIOPosix
import Synchronization

/// The state that handlers share.
package final class Service: Sendable {
  package let model: ServedModel
  let answering: Answering
  let lambda: LambdaReader
  let live = LiveAnswers()
  let statistics = Statistics()
  /// Where prompts are laid out and tokenised, one after another: neither the event loop nor running streams wait for them.
  private let workshop = NIOThreadPool(numberOfThreads: 1)
  /// Values in a body; each takes many times the memory of its shortest spelling.
  private static let valueLimit = 1 << 19

  package init(_ model: ServedModel, _ answering: Answering) {
    self.model = model
    self.answering = answering
    lambda = LambdaReader(models: model.aligned, presets: model.presets)
    workshop.start()
  }

  deinit { workshop.shutdownGracefully { _ in } }

  /// Does what may take long elsewhere.
  func prepared<Value: Sendable>(
    _ body: @escaping @Sendable () throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    let result: Result<Value, APIError>
    do {
      result = try await workshop.runIfActive { Result { () throws(APIError) in try body() } }
    } catch {
      throw .unavailable("the server is stopping")
    }
    return try result.get()
  }

  /// A request's body as an object.
  static func fields(of request: Request) throws(APIError) -> Fields {
    let json = request.body.withUnsafeReadableBytes { bytes in
      Result { () throws(JSONError) in try JSON.parse(bytes, valueLimit: valueLimit) }
    }
    switch json {
    case .failure(let error): throw .invalid("the body is not JSON: \(error)", param: nil)
    case .success(let json):
      guard let object = json.object else {
        throw .invalid("the body must be a JSON object, not \(json.summary)", param: nil)
      }
      return Fields(object: object)
    }
  }

  /// Runs `body` for the events of all answers, in the order in which they come. When it throws, or the client leaves, the
  /// answers end.
  func follow(
    _ answers: [ServedAnswer], _ body: (_ index: Int, _ event: AnswerEvent) throws(APIError) -> Void
  ) async throws(APIError) {
    let result: Result<Void, APIError> = await withTaskCancellationHandler {
      do throws(APIError) {
        if answers.count == 1 {
          for await event in answers[0].events { try body(0, event) }
        } else {
          for await (index, event) in Self.merged(answers) { try body(index, event) }
        }
        return .success(())
      } catch {
        return .failure(error)
      }
    } onCancel: {
      for answer in answers { answer.cancel() }
    }
    if case .failure = result { for answer in answers { answer.cancel() } }
    return try result.get()
  }

  private static func merged(_ answers: [ServedAnswer]) -> AsyncStream<(Int, AnswerEvent)> {
    AsyncStream { continuation in
      let task = Task {
        await withTaskGroup(of: Void.self) { group in
          for (index, answer) in answers.enumerated() {
            group.addTask { for await event in answer.events { continuation.yield((index, event)) } }
          }
        }
        continuation.finish()
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }
}

/// Answers that can be controlled while they run, by the id their client knows.
final class LiveAnswers: Sendable {
  struct Entry: Sendable {
    var answers: [ServedAnswer]
    /// Reads λ as the request may give it.
    var lambda: LambdaReader
  }

  private let entries = Mutex<[String: Entry]>([:])

  subscript(id: String) -> Entry? {
    get { entries.withLock { $0[id] } }
    set { entries.withLock { $0[id] = newValue } }
  }
}
