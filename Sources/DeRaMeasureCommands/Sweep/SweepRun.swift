import ArgumentParser
import DeRa
import DeRaConsole
import DeRaEvaluation
import DeRaKernels

/// Draws a sweep's answers, measures and scores them, and keeps them.
final class SweepRun {
  private let bundle: ModelBundle
  private let header: SweepHeader
  private let prompts: SweepPrompts
  private let plan: Plan
  private let log: SweepLog
  private let sampler: BatchSampler
  private let engine: Engine
  private let contextLength: Int
  private let cacheCodec: CacheCodec

  /// The settings that all answers share.
  struct Plan {
    var options: GenerationOptions
    /// The first seed.
    var seed: UInt64
    var scorers: [(name: String, scorer: any Scorer)]
    var refusals: RefusalList?
    /// The quantity that λ blends.
    var blend: Blend
  }

  /// - Parameters:
  ///   - batch: answers drawn together.
  ///   - contextLength: tokens of the longest prompt and answer.
  /// - Throws: `SessionError`, `PromptError`.
  init(
    bundle: ModelBundle, header: SweepHeader, prompts: SweepPrompts, plan: Plan, log: SweepLog, batch: Int,
    contextLength: Int, engine: Engine, cacheCodec: CacheCodec
  ) throws {
    self.bundle = bundle
    self.header = header
    self.prompts = prompts
    self.plan = plan
    self.log = log
    sampler = try BatchSampler(
      bundle: bundle, count: batch, contextLength: contextLength, hasReferencePrompt: header.hasReferencePrompt,
      options: plan.options, engine: engine, cacheCodec: cacheCodec, blend: plan.blend)
    self.engine = engine
    self.contextLength = contextLength
    self.cacheCodec = cacheCodec
  }

  /// λ = 0, whose answers the reverse divergences are measured along.
  private var referenceLambda: String {
    header.text(
      of: .nothing(models: bundle.alignedModels.count, hasReferencePrompt: header.hasReferencePrompt))
  }

  /// Draws what is missing of the grid.
  /// - Throws: `ExitCode(130)` after Ctrl-C; what was finished is kept.
  func drawGrid() throws {
    let progress = ProgressLine(total: header.keys.count)
    defer { progress.clear() }
    let start = header.keys.count { log.known[$0] != nil }
    var done = start
    let others = header.lambdas.filter { $0 != referenceLambda }
    // The reference's answers come first: the others' reverse divergence is measured along them.
    for lambdas in [[referenceLambda], others] {
      try draw(lambdas) { [header] in
        done += 1
        progress.update(done, since: start, "answer \(done) of \(header.keys.count)")
      }
    }
  }

  /// Finds how far λ of the first aligned model can go, or the prompt's where there is no aligned model.
  /// - Throws: as `drawGrid`.
  func safeRange(low: Double, high: Double, tolerance: Double) throws -> SafeRange {
    var probes = 0
    func measure(_ value: Double) throws -> [SampleRecord] {
      let models = bundle.alignedModels.count
      let lambda = header.text(
        of: models == 0 && header.hasReferencePrompt
          ? Realignment(lambdas: [], prompt: Float(value)) : Realignment(Float(value), models: models))
      let keys = header.keys(lambda: lambda)
      let progress = ProgressLine(total: keys.count)
      defer { progress.clear() }
      probes += 1
      var done = keys.count { log.known[$0] != nil }
      let start = done
      try draw([lambda]) {
        done += 1
        progress.update(
          done, since: start, "safe range, λ = \(lambda) (probe \(probes)): answer \(done) of \(keys.count)")
      }
      return keys.compactMap { log.known[$0] }
    }
    let range = try SafeRange(low: low, high: high, tolerance: tolerance) { value in
      SweepRow(lambda: "", records: try measure(value)).figures.mapValues(\.mean)
    }
    try searchMeaningful(low, high, tolerance, measure)
    return range
  }

  /// Draws the λ at which the effective share falls below its threshold, for `MeaningfulRange` to find.
  private func searchMeaningful(
    _ low: Double, _ high: Double, _ tolerance: Double, _ measure: (Double) throws -> [SampleRecord]
  ) throws {
    let mixture = ExactMixture(header)
    func share(_ value: Double) throws -> Double? {
      let records = try measure(value)
      return try? mixture.effectiveShare(Realignment(Float(value), models: bundle.alignedModels.count), records)
    }
    guard bundle.alignedModels.count > 0, mixture.obstacle == nil, try share(0) != nil else { return }
    for (inner, outer) in [(0.0, low), (1.0, high)] {
      _ = try SafeRange.Edge(passes: inner, outer: outer, tolerance: tolerance) {
        (try share($0) ?? 0) < MeaningfulRange.threshold
      }
    }
  }

  /// Draws the answers under these λ that are not there yet.
  private func draw(_ lambdas: [String], onAnswer: () -> Void) throws {
    let keys = lambdas.flatMap { header.keys(lambda: $0) }.filter { log.known[$0] == nil }
    guard !keys.isEmpty else { return }
    let realignments = try lambdas.map { try header.realignment($0) }
    let indices = Dictionary(lambdas.enumerated().map { ($1, $0) }) { first, _ in first }
    let measurement = try AnswerMeasurement(
      bundle: bundle, realignments: realignments, contextLength: contextLength,
      hasReferencePrompt: header.hasReferencePrompt, engine: engine, cacheCodec: cacheCodec,
      plausible: plan.options.sampling.plausible, blend: plan.blend)
    let requests = keys.map { key in
      BatchSampler.Request(
        prompt: prompts.tokens[key.prompt], reference: prompts.references?[key.prompt],
        realignment: realignments[indices[key.lambda] ?? 0],
        seed: key.samplerSeed(first: plan.seed))
    }
    var reverse: [SampleKey: [Double]] = [:]
    let shouldContinue = { !Interrupt.isRequested }
    do {
      try sampler.run(requests, shouldContinue: shouldContinue) { number, drawn in
        let (key, index) = (keys[number], indices[keys[number].lambda] ?? 0)
        let request = requests[number]
        var values = try measurement.figures(
          prompt: request.prompt, reference: request.reference, answer: drawn.tokens, realignment: index
        ).values(models: header.models)
        values.merge(Variety.values(drawn.tokens)) { first, _ in first }
        values["finished"] = drawn.finishReason == .stop ? 1 : 0
        if let divergence = try reverseDivergence(of: key, index, measurement, &reverse) {
          values["reverse_kl"] = divergence
        }
        try score(drawn, key, &values)
        let record = SampleRecord(
          key, id: header.prompts[key.prompt].id, samplerSeed: request.seed, drawn: drawn, values: values)
        try log.append(record)
        onAnswer()
      }
    } catch  where error is Interrupted || error as? SessionError == .cancelled {
      Output.note("Stopped. What is finished is kept; the same command goes on from here.")
      throw ExitCode.interrupted
    }
  }

  /// KL(π_ref ‖ π_λ) along the reference's answer to the same prompt with the same seed; nil when a mask makes it infinite.
  private func reverseDivergence(
    of key: SampleKey, _ index: Int, _ measurement: AnswerMeasurement, _ known: inout [SampleKey: [Double]]
  ) throws -> Double? {
    if plan.options.sampling.plausible > 0 { return nil }
    if key.lambda == referenceLambda { return 0 }
    let source = SampleKey(lambda: referenceLambda, prompt: key.prompt, seed: key.seed)
    guard let answer = log.known[source]?.tokens else { return nil }
    let divergences =
      try known[source]
      ?? measurement.reverseDivergences(
        prompt: prompts.tokens[key.prompt], reference: prompts.references?[key.prompt], answer: answer)
    known[source] = divergences
    return divergences[index].isFinite ? divergences[index] : nil
  }

  private func score(_ drawn: BatchSampler.Drawn, _ key: SampleKey, _ values: inout [String: Double]) throws {
    if let refusals = plan.refusals { values["refusal"] = refusals.matches(drawn.text) ? 1 : 0 }
    let prompt = header.prompts[key.prompt]
    let answer = ScoredAnswer(
      id: prompt.id, prompt: prompt.text, answer: drawn.text, lambda: key.lambda, seed: key.seed,
      tokens: drawn.tokens.count)
    for (name, scorer) in plan.scorers {
      let value = try scorer.score(answer)
      if value.magnitude <= SweepMetric.magnitudeLimit { values["reward.\(name)"] = value }
    }
  }
}
