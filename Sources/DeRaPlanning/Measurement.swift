import DeRa
import DeRaCalibration
import DeRaConversion
import DeRaEvaluation
import DeRaKernels
import DeRaPlatform
import DeRaPrompting
import RealModule

/// Runs bundles of some models on the held-out part of a text, beside one of the same models in 16 bits.
final class Measurement {
  let text: CalibrationText
  let held: HeldText
  private let tokens: CalibrationTokens
  private let reference: ModelBundle
  private let engine: Engine
  private let range: LambdaRange
  private let place: String
  private let progress: ConversionProgressHandler

  /// Writes the 16-bit bundle, which needs the disk space of that: two bytes for each weight of each model.
  ///
  /// - Parameter output: temporary files are made beside it; nil: in the directory for those.
  /// - Throws: what conversion throws, `PromptError` without a tokenizer, `CalibrationError` for a text that is too short.
  init(
    _ inputs: ConversionInputs, text: CalibrationText, output: String?, range: LambdaRange,
    _ progress: @escaping ConversionProgressHandler
  ) async throws {
    place = output ?? (getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp") + "/dera-quantize"
    self.range = range
    self.progress = progress
    self.text = text
    var exact = inputs
    exact.options.bits = .sixteen
    // Halves of the differences keep what halves of the models would lose.
    exact.options.delta = .packed(.f16)
    exact.options.choices = TensorChoices()
    exact.options.goal = nil
    let file = TemporaryBundle(beside: place)
    _ = try await exact.plan(progress).write(to: file.path, progress: progress)
    reference = try file.open().bundle
    tokens = try Self.tokens(of: text, reference)
    held = try HeldText(tokens, reference)
    engine = try Engine(pool: ThreadPool(threads: Processors.current.threads, processors: .current))
  }

  private static func tokens(of text: CalibrationText, _ bundle: ModelBundle) throws -> CalibrationTokens {
    let tokenizer = try PromptFormat(bundle).tokenizer
    let layout = bundle.manifest.chatTemplate.flatMap {
      try? ConversationLayout(source: $0, specialTokens: tokenizer.specialTokens)
    }
    return try CalibrationTokens(text, tokenizer, layout: layout, contextLength: bundle.configuration.contextLength)
  }

  /// Tokens that weights are rounded for.
  var fittedTokens: Int { tokens.fitted.reduce(0) { $0 + $1.count } }

  /// The input statistics of the reference's matrices on the part of the text that is not held out.
  /// - Throws: `CalibrationError`, `FileError` when scratch memory cannot be had, and what the progress handler throws.
  func statistics() throws -> CalibrationStatistics {
    let collector = try StatisticsCollector(
      bundle: reference, sequences: tokens.fitted, engine: engine, scratchPath: place)
    let total = reference.mappedBytes
    return try collector.collect(text: text.bytes) { part in
      try progress(
        ConversionProgress(
          phase: .calibrating, item: "inputs of the matrices", done: Int(part * Double(total)), total: total))
    }
  }

  /// Logits of full precision on the held-out text.
  /// - Throws: `SessionError`, and what the progress handler throws.
  func read() throws -> Reading {
    let count = reference.manifest.models.count - 1
    let realignments = [Realignment(0, models: count)] + (0..<count).map { oneHot($0, 1, of: count) }
    let session = try DecodingSession(
      bundle: reference, contextLength: held.context, engine: engine, maxOutputs: PerplexityMeasurement.block)
    let forcing = try TeacherForcing(session: session, realignments: realignments)
    var sums = [Double](repeating: 0, count: count)
    var loss = 0.0
    var scratch = [Float](repeating: 0, count: forcing.vocabularySize)
    for (index, text) in held.texts.enumerated() {
      try report("how far the models are apart", index)
      try forcing.start(Array(text.dropLast()), from: held.firstScored)
      while case let positions = forcing.next(), !positions.isEmpty {
        for position in positions {
          scratch.withUnsafeMutableBufferPointer { scratch in
            let base = forcing.logits(0, at: position, scratch: scratch)
            loss += Double(TokenScore(base, target: Int(text[position + 1])).loss)
            for model in 0..<count {
              let aligned = forcing.logits(model + 1, at: position, scratch: scratch)
              let score = TokenScore(base, base: aligned, target: Int(text[position + 1]))
              sums[model] += Double(score.divergence)
            }
          }
        }
      }
    }
    let scored = Double(held.scoredTokens)
    return Reading(
      bitsPerByte: loss / scored / Double.log(2) / held.bytesPerToken,
      alignments: Dictionary(uniqueKeysWithValues: zip(1..., sums.map { max(0, $0 / scored) })))
  }

  /// Mean KL of a bundle from the 16-bit one, for each aligned model at each end of the range.
  /// - Throws: `EvaluationError`, `SessionError`, and what the progress handler throws.
  private func measure(_ bundle: ModelBundle) throws -> [PlanReport.Measurement] {
    let models = bundle.manifest.models.dropFirst()
    let points = models.enumerated().flatMap { index, name in
      range.ends.map { (name: name, lambda: $0, realignment: oneHot(index, Float($0), of: models.count)) }
    }
    let realignments = points.isEmpty ? [Realignment(lambdas: [])] : points.map(\.realignment)
    let measurement = try PerplexityMeasurement(
      bundle: bundle, against: reference, realignments: realignments, context: held.context, engine: engine)
    for (index, text) in held.texts.enumerated() {
      try report("KL from full precision", index)
      try measurement.add(text, from: held.firstScored)
    }
    return zip(measurement.scores.indices, measurement.scores).map { index, scores in
      let mean = Estimate(meanOf: scores.divergences.lazy.map(Double.init))
      return PlanReport.Measurement(
        model: points.isEmpty ? bundle.manifest.models[0] : points[index].name,
        lambda: points.isEmpty ? 0 : points[index].lambda, kl: mean.value, error: mean.error)
    }
  }

  /// Writes the bundle of a plan under a name that is gone at once, and measures it.
  /// - Throws: what conversion throws, `BundleError`, `EvaluationError`, `SessionError`.
  func trial(of plan: BundlePlan) async throws -> Trial {
    let name = TemporaryBundle(beside: place)
    let report = try await plan.write(to: name.path, progress: progress)
    let (bundle, file) = try name.open()
    return Trial(report: report, file: file, measured: try measure(bundle))
  }

  private func oneHot(_ model: Int, _ lambda: Float, of count: Int) -> Realignment {
    Realignment(lambdas: (0..<count).map { $0 == model ? lambda : 0 })
  }

  private func report(_ item: String, _ done: Int) throws {
    try progress(
      ConversionProgress(
        phase: .measuring, item: item, done: done * held.context, total: held.texts.count * held.context))
  }
}

/// A bundle that was written to be measured.
struct Trial {
  var report: ConversionReport
  let file: MappedFile
  let measured: [PlanReport.Measurement]

  /// Mean over the measured models and λ, nats.
  var meanKL: Double { measured.reduce(0) { $0 + $1.kl } / Double(max(1, measured.count)) }

  /// Copies it to where it was wanted.
  /// - Throws: `FileError`.
  mutating func keep(at path: String) throws {
    let output = try AtomicFile(path: path)
    try output.write(file.bytes)
    try output.commit()
    report.output = path
  }
}

/// Logits of full precision on a text.
struct Reading {
  /// Models of general text need more than this only for texts of another kind than theirs; see docs/design/calibration.md.
  static let farBitsPerByte = 3.0

  /// The reference's cross-entropy.
  let bitsPerByte: Double
  /// KL(aligned ‖ reference) a token of each aligned model, nats, by its number.
  let alignments: [Int: Double]

  /// Whether the reference hardly knows such texts.
  var isFar: Bool { bitsPerByte > Self.farBitsPerByte }
}

/// A bundle that has a name only until it is opened, so that nothing is left of it whatever happens.
private struct TemporaryBundle {
  let path: String

  init(beside place: String) { path = "\(place).\(String(UInt32.random(in: .min ... .max), radix: 16)).trial" }

  /// The bundle stays mapped when its name has gone.
  func open() throws -> (bundle: ModelBundle, file: MappedFile) {
    defer { unlink(path) }
    return (try ModelBundle(path: path), try MappedFile(path: path))
  }
}
