import DeRaTokenization

/// Several answers at once, each with its own λ and sampling: a matrix is read once for all of them.
///
/// An answer has the bits it would have alone. More answers than sequences wait for their turn, first come, first served.
public actor Batch {
  private struct Request {
    let control: AnswerControl
    let pieces: AsyncThrowingStream<String, any Error>.Continuation
  }

  /// The models that answer.
  public nonisolated let bundle: ModelBundle
  /// Answers that are computed together.
  public nonisolated let sequences: Int
  /// Bytes it occupies when all contexts are full.
  public nonisolated let memory: MemoryReport
  private let thread: ComputeThread
  private let loop: AnswerLoop<DecodingBatch, Tokenizer.StreamingDecoder>
  private var waiting: [Request] = []
  /// `[sequences]`
  private var running: [Request?]
  private var isComputing = false

  /// The thread that computes.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  init(_ bundle: ModelBundle, sequences: Int, context: Int?, threads: Int?, options: SessionOptions) throws {
    (loop, thread) = try bundle.decoding(sequences: sequences, context: context, threads: threads, options: options)
    self.bundle = bundle
    self.sequences = sequences
    memory = loop.batch.memory
    running = [Request?](repeating: nil, count: sequences)
  }

  /// The answer to a prompt as text that arrives piece by piece; it is begun when the stream is first read.
  public nonisolated func stream(
    _ prompt: Prompt, lambda: Lambda = 1, options: GenerationOptions = GenerationOptions()
  ) -> TextStream {
    TextStream(source: .batch(self), control: AnswerControl(prompt, lambda, options))
  }

  /// The whole answer to a prompt, with what it cost.
  /// - Throws: `DeRaError`; `CancellationError` when the task was cancelled.
  public nonisolated func answer(
    _ prompt: Prompt, lambda: Lambda = 1, options: GenerationOptions = GenerationOptions()
  ) async throws -> Generation {
    try await stream(prompt, lambda: lambda, options: options).wholeAnswer()
  }

  /// Puts an answer in the queue.
  nonisolated func pieces(of control: AnswerControl) -> AsyncThrowingStream<String, any Error> {
    AsyncThrowingStream { continuation in
      guard control.begin() else { return continuation.finish(throwing: DeRaError.superseded) }
      continuation.onTermination = { _ in control.cancel() }
      Task { await enqueue(Request(control: control, pieces: continuation)) }
    }
  }

  private func enqueue(_ request: Request) async {
    waiting.append(request)
    guard !isComputing else { return }
    isComputing = true
    while fill() {
      step()
      // Lets new requests in.
      await Task.yield()
    }
    isComputing = false
  }

  /// Ends what is no longer wanted and begins what waits; false when there is nothing to compute.
  private func fill() -> Bool {
    for place in running.indices {
      guard let request = running[place] else { continue }
      if request.control.isCancelled {
        loop.cancel(place)
        running[place] = nil
      } else if let lambda = request.control.takeNewLambda() {
        attempt(request, at: place) {
          loop.setRealignment(try lambda.realignment(models: bundle.alignedModels), at: place)
        }
      }
    }
    while let place = loop.freePlace, !waiting.isEmpty {
      let request = waiting.removeFirst()
      if request.control.isCancelled { continue }
      running[place] = request
      attempt(request, at: place) { try loop.start(request.control, in: bundle, at: place) }
    }
    return !loop.isIdle
  }

  private func step() {
    do {
      try loop.step { place, progress in
        guard let request = running[place] else { return }
        if !progress.text.isEmpty { request.pieces.yield(progress.text) }
        if let generation = progress.finished { request.control.finish(generation) }
        guard progress.finished != nil || progress.failure != nil else { return }
        running[place] = nil
        request.pieces.finish(throwing: progress.failure.map { DeRaError.wrapped($0, path: bundle.path) })
      }
    } catch {
      // No answer can go on.
      for place in running.indices {
        guard let request = running[place] else { continue }
        end(request, at: place, error)
      }
    }
  }

  private func attempt(_ request: Request, at place: Int, _ body: () throws -> Void) {
    do { try body() } catch { end(request, at: place, error) }
  }

  private func end(_ request: Request, at place: Int, _ error: any Error) {
    loop.cancel(place)
    running[place] = nil
    request.pieces.finish(throwing: DeRaError.wrapped(error, path: bundle.path))
  }
}
