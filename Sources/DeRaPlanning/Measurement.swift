import DeRa
import DeRaCalibration
import DeRaConversion
import DeRaEvaluation
import DeRaKernels
import DeRaPlatform

/// Runs bundles of some models on a text, beside one of the same models in 16 bits.
final class Measurement {
  private static let context = 512
  /// Most chunks; their second halves are scored: 1,024 tokens.
  private static let chunkLimit = 4

  private let reference: ModelBundle
  private let text: CalibrationText
  private let chunks: TextChunks
  private let engine: Engine
  private let range: LambdaRange
  private let place: String
  private let progress: ConversionProgressHandler

  /// Writes the 16-bit bundle, which needs the disk space of that: two bytes for each weight of each model.
  ///
  /// - Parameter output: temporary files are made beside it; nil: in the directory for those.
  /// - Throws: what conversion throws, `PromptError` without a tokenizer, `EvaluationError` for a text that is too short.
  init(
    _ inputs: ConversionInputs, text: CalibrationText, output: String?, range: LambdaRange,
    _ progress: @escaping ConversionProgressHandler
  ) async throws {
    place = output ?? (getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp") + "/dera-quantize"
    self.range = range
    self.progress = progress
    var exact = inputs
    exact.options.bits = .sixteen
    // Halves of the differences keep what halves of the models would lose.
    exact.options.delta = .packed(.f16)
    exact.options.choices = TensorChoices()
    exact.options.goal = nil
    let file = TemporaryBundle(beside: place)
    _ = try await exact.plan(progress).write(to: file.path, progress: progress)
    reference = try file.open()
    self.text = text
    chunks = try Self.chunks(of: text, reference)
    engine = try Engine(pool: ThreadPool(threads: Processors.current.threads, processors: .current))
  }

  /// The input statistics of the reference's matrices on the text.
  /// - Throws: `CalibrationError`, `FileError` when scratch memory cannot be had, and what the progress handler throws.
  func statistics() throws -> CalibrationStatistics {
    let sequences = try text.sequences(
      PromptFormat(reference).tokenizer, contextLength: reference.configuration.contextLength)
    let collector = try StatisticsCollector(
      bundle: reference, sequences: sequences, engine: engine, scratchPath: place)
    let total = reference.mappedBytes
    return try collector.collect(text: text.bytes) { part in
      try progress(
        ConversionProgress(
          phase: .calibrating, item: "inputs of the matrices", done: Int(part * Double(total)), total: total))
    }
  }

  /// KL(aligned ‖ reference) a token of each aligned model, nats, by its number.
  /// - Throws: `SessionError`, and what the progress handler throws.
  func alignments() throws -> [Int: Double] {
    let count = reference.manifest.models.count - 1
    let realignments = [Realignment(0, models: count)] + (0..<count).map { oneHot($0, 1, of: count) }
    let session = try DecodingSession(
      bundle: reference, contextLength: chunks.context, engine: engine, maxOutputs: PerplexityMeasurement.block)
    let forcing = try TeacherForcing(session: session, realignments: realignments)
    var sums = [Double](repeating: 0, count: count)
    var scratch = [Float](repeating: 0, count: forcing.vocabularySize)
    for index in 0..<chunks.count {
      try report("how far the models are apart", index)
      let text = chunks[index]
      try forcing.start(Array(text.dropLast()), from: chunks.firstScored)
      while case let positions = forcing.next(), !positions.isEmpty {
        for position in positions {
          scratch.withUnsafeMutableBufferPointer { scratch in
            let base = forcing.logits(0, at: position, scratch: scratch)
            for model in 0..<count {
              let aligned = forcing.logits(model + 1, at: position, scratch: scratch)
              let score = TokenScore(base, base: aligned, target: Int(text[position + 1]))
              sums[model] += Double(score.divergence)
            }
          }
        }
      }
    }
    let tokens = Double(chunks.count * chunks.scoredTokens)
    return Dictionary(uniqueKeysWithValues: zip(1..., sums.map { max(0, $0 / tokens) }))
  }

  /// Mean KL of a bundle from the 16-bit one, for each aligned model at each end of the range.
  /// - Throws: `BundleError`, `EvaluationError`, `SessionError`, and what the progress handler throws.
  func measure(_ path: String) throws -> [PlanReport.Measurement] { try measure(ModelBundle(path: path)) }

  private func measure(_ bundle: ModelBundle) throws -> [PlanReport.Measurement] {
    let models = bundle.manifest.models.dropFirst()
    let points = models.enumerated().flatMap { index, name in
      range.ends.map { (name: name, lambda: $0, realignment: oneHot(index, Float($0), of: models.count)) }
    }
    let realignments = points.isEmpty ? [Realignment(lambdas: [])] : points.map(\.realignment)
    let measurement = try PerplexityMeasurement(
      bundle: bundle, against: reference, realignments: realignments, context: chunks.context, engine: engine)
    for index in 0..<chunks.count {
      try report("KL from full precision", index)
      try measurement.add(chunks[index], from: chunks.firstScored)
    }
    return zip(measurement.scores.indices, measurement.scores).map { index, scores in
      let mean = Estimate(meanOf: scores.divergences.lazy.map(Double.init))
      return PlanReport.Measurement(
        model: points.isEmpty ? bundle.manifest.models[0] : points[index].name,
        lambda: points.isEmpty ? 0 : points[index].lambda, kl: mean.value, error: mean.error)
    }
  }

  /// The same of a plan, which is written for that and removed.
  func measure(_ plan: BundlePlan) async throws -> [PlanReport.Measurement] {
    let file = TemporaryBundle(beside: place)
    _ = try await plan.write(to: file.path, progress: progress)
    return try measure(try file.open())
  }

  private func oneHot(_ model: Int, _ lambda: Float, of count: Int) -> Realignment {
    Realignment(lambdas: (0..<count).map { $0 == model ? lambda : 0 })
  }

  private func report(_ item: String, _ chunk: Int) throws {
    try progress(
      ConversionProgress(
        phase: .measuring, item: item, done: chunk * chunks.context, total: chunks.count * chunks.context))
  }

  private static func chunks(of text: CalibrationText, _ bundle: ModelBundle) throws -> TextChunks {
    let tokenizer = try PromptFormat(bundle).tokenizer
    let prefix = tokenizer.prefixIDs
    // As in `dera perplexity`, special tokens spelled out in the text are text.
    let tokens = try text.bytes.withUnsafeBytes {
      prefix + (try tokenizer.encode($0, addSpecial: false, parseSpecial: false))
    }
    let context = max(4, min(context, tokens.count, bundle.configuration.contextLength))
    return try TextChunks(
      tokens: tokens, context: context, beginning: tokenizer.bosID.flatMap { prefix.contains($0) ? $0 : nil },
      limit: chunkLimit)
  }
}

/// A bundle that has a name only until it is opened, so that nothing is left of it whatever happens.
private struct TemporaryBundle {
  let path: String

  init(beside place: String) { path = "\(place).\(String(UInt32.random(in: .min ... .max), radix: 16)).trial" }

  /// The bundle stays mapped when its name has gone.
  func open() throws -> ModelBundle {
    defer { unlink(path) }
    return try ModelBundle(path: path)
  }
}
