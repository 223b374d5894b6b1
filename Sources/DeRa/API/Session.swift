import DeRaTokenization

/// One conversation under a bundle's models: its keys and values stay, so that the next prompt computes only what is new.
///
/// A session computes one thing at a time, on a thread of its own. An answer begun while another is under way ends that one:
/// its stream then throws `DeRaError.superseded`. The same prompt, λ, options and seed give the same text, whatever ran
/// before.
public actor Session {
  /// The models that answer.
  public nonisolated let bundle: ModelBundle
  /// Most tokens of a prompt and its answer together.
  public nonisolated let contextLength: Int
  /// Bytes it occupies when its context is full.
  public nonisolated let memory: MemoryReport
  private let thread: ComputeThread
  private let loop: AnswerLoop<DecodingBatch, Tokenizer.StreamingDecoder>
  private var current: AnswerControl?

  /// The thread that computes.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  init(_ bundle: ModelBundle, context: Int?, threads: Int?, options: SessionOptions) throws {
    loop = AnswerLoop(
      try bundle.decodingBatch(sequences: 1, context: context, threads: threads, options: options))
    thread = try ComputeThread(pool: loop.batch.sessions[0].engine.pool)
    self.bundle = bundle
    contextLength = loop.batch.sessions[0].contextLength
    memory = loop.batch.memory
  }

  /// The answer to a prompt as text that arrives piece by piece. Nothing is computed before the first piece is asked for.
  public nonisolated func stream(
    _ prompt: Prompt, lambda: Lambda = 1, options: GenerationOptions = GenerationOptions()
  ) -> TextStream {
    TextStream(source: .session(self), control: AnswerControl(prompt, lambda, options))
  }

  /// The whole answer to a prompt, with what it cost.
  /// - Throws: `DeRaError`; `CancellationError` when the task was cancelled.
  public nonisolated func answer(
    _ prompt: Prompt, lambda: Lambda = 1, options: GenerationOptions = GenerationOptions()
  ) async throws -> Generation {
    try await stream(prompt, lambda: lambda, options: options).wholeAnswer()
  }

  /// Logits of the token after the last, under several λ, from one pass over each model.
  /// - Returns: `[lambdas][vocabularySize]`, blended.
  /// - Throws: `DeRaError`; `CancellationError` when the task was cancelled.
  public func logits(of tokens: [Int32], lambdas: [Lambda]) throws -> [[Float]] {
    try DeRaError.wrapping(path: bundle.path) {
      endCurrent()
      let sequence = loop.batch.sessions[0]
      let realignments = try lambdas.map { try $0.realignment(models: bundle.alignedModels) }
      sequence.shouldContinue = { !Task.isCancelled }
      _ = try sequence.replace(with: tokens)
      return try realignments.map { Array(try sequence.logits($0)) }
    }
  }

  /// The next piece of an answer's text, at least one character; nil at its end.
  func next(of control: AnswerControl) throws -> String? {
    if control.generation != nil { return nil }
    return try DeRaError.wrapping(path: bundle.path) {
      try begin(control)
      while true {
        if control.isCancelled {
          control.finish(loop.cancel(0))
          throw CancellationError()
        }
        if let lambda = control.takeNewLambda() {
          loop.setRealignment(try lambda.realignment(models: bundle.alignedModels), at: 0)
        }
        let text = try step(control)
        if !text.isEmpty { return text }
        if control.generation != nil { return nil }
      }
    }
  }

  private func begin(_ control: AnswerControl) throws {
    guard current !== control else { return }
    guard control.begin() else { throw DeRaError.superseded }
    endCurrent()
    let lambda = control.takeNewLambda() ?? control.lambda
    try loop.start(
      bundle.tokens(of: control.prompt, limit: contextLength), of: bundle, at: 0,
      realignment: lambda.realignment(models: bundle.alignedModels), options: control.options)
    loop.batch.sessions[0].shouldContinue = { !control.isCancelled }
    current = control
  }

  private func step(_ control: AnswerControl) throws -> String {
    var text = ""
    do {
      try loop.step { _, progress in
        if let failure = progress.failure { throw failure }
        text = progress.text
        if let finished = progress.finished { control.finish(finished) }
      }
    } catch SessionError.cancelled {
      return ""
    } catch {
      endCurrent()
      throw error
    }
    return text
  }

  private func endCurrent() {
    loop.cancel(0)
    current = nil
  }
}
