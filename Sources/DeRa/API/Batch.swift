/// Several answers at once, each with its own λ and sampling: a matrix is read once for all of them.
///
/// An answer has the bits it would have alone. More answers than sequences wait for their turn, first come, first served.
public final class Batch: Sendable {
  /// The models that answer.
  public let bundle: ModelBundle
  /// Answers that are computed together.
  public let sequences: Int
  /// Bytes it occupies when all contexts are full.
  public let memory: MemoryReport
  private let engine: AnswerEngine

  init(_ bundle: ModelBundle, sequences: Int, context: Int?, threads: Int?, options: SessionOptions) throws {
    let batch = try bundle.decodingBatch(
      sequences: sequences, context: context, threads: threads, options: options)
    engine = try AnswerEngine(batch, queueLength: .max / 2)
    self.bundle = bundle
    self.sequences = sequences
    memory = engine.memory
  }

  /// The answer to a prompt as text that arrives piece by piece; it is begun when the stream is first read.
  public func stream(
    _ prompt: Prompt, lambda: Lambda = 1, options: GenerationOptions = GenerationOptions()
  ) -> TextStream {
    TextStream(source: .batch(self), control: AnswerControl(prompt, lambda, options))
  }

  /// The whole answer to a prompt, with what it cost.
  /// - Throws: `DeRaError`; `CancellationError` when the task was cancelled.
  public func answer(
    _ prompt: Prompt, lambda: Lambda = 1, options: GenerationOptions = GenerationOptions()
  ) async throws -> Generation {
    try await stream(prompt, lambda: lambda, options: options).wholeAnswer()
  }

  /// Puts an answer in the engine's queue.
  func pieces(of control: AnswerControl) -> AsyncThrowingStream<String, any Error> {
    AsyncThrowingStream { continuation in
      let reading = Task {
        do {
          try await read(control) { continuation.yield($0) }
          continuation.finish()
        } catch {
          continuation.finish(throwing: DeRaError.wrapped(error, path: bundle.path))
        }
      }
      continuation.onTermination = { _ in reading.cancel() }
    }
  }

  private func read(_ control: AnswerControl, _ body: (String) -> Void) async throws {
    guard control.begin() else { throw DeRaError.superseded }
    let realignment = try control.lambda.realignment(models: bundle.alignedModels)
    let answer = try engine.submit(
      AnswerRequest(
        prompt: try bundle.tokens(of: control.prompt, limit: engine.contextLength), realignment: realignment,
        options: control.options))
    control.forward { lambda in answer.setRealignment(try lambda.realignment(models: self.bundle.alignedModels)) }
    for await event in answer.events {
      if let error = control.refusal { throw error }
      switch event {
      case .token(_, let text, _): if !text.isEmpty { body(text) }
      case .finished(let generation, let text):
        if !text.isEmpty { body(text) }
        control.finish(generation)
      case .failed(let error): throw error
      case .admitted, .prompt, .promptLogprobs, .realigned: break
      }
    }
    try Task.checkCancellation()
  }
}
