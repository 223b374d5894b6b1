import DeRa
import Evaluation
import FoundationEssentials
import GGUF

/// Builds and measures candidates one after another, keeping what is finished.
final class FrontierRun {
  let settings: FrontierSettings
  private(set) var record: FrontierRecord
  private let candidates: [FrontierCandidate]
  private let blends: [Blend]
  private let folder: String
  private let quantize: String
  private let keepsBundles: Bool
  private var progress = ProgressLine(total: 1)
  private var done = 0
  /// λ at which speed is measured, once the models' names are known.
  private var benchLambda = ""

  private static let generatedTokens = 64
  private static let repetitions = 3

  /// - Throws: `StreamError` when the folder holds results of other settings.
  init(
    settings: FrontierSettings, candidates: [FrontierCandidate], blends: [Blend], folder: String, quantize: String,
    keepsBundles: Bool
  ) throws {
    self.settings = settings
    self.candidates = candidates
    self.blends = blends
    self.folder = folder
    self.quantize = quantize
    self.keepsBundles = keepsBundles
    record =
      try FrontierRecord.load("\(folder)/frontier.json", settings: settings)
      ?? FrontierRecord(settings: settings, results: [])
  }

  /// Those of the candidates asked for and of the separate models, in that order.
  var results: [FrontierResult] {
    let names = candidates.flatMap { candidate in blends.map { name(candidate, $0) } }
    return names.compactMap { name in record.results.first { $0.name == name } } + record.results.filter(\.isSeparate)
  }

  /// - Throws: `ChildError`, `Interrupted`, `FileError`.
  func run() throws {
    let pending = candidates.map { candidate in
      (candidate: candidate, blends: blends.filter { !isFinished(name(candidate, $0)) })
    }.filter { !$0.blends.isEmpty }
    let bits = Set(candidates.compactMap(\.bits)).sorted(by: >)
    let separate = bits.filter { !isFinished(separateName($0)) }
    guard !pending.isEmpty || !separate.isEmpty else { return }
    try FileManager.default.createDirectory(atPath: "\(folder)/bundles", withIntermediateDirectories: true)
    defer { if !keepsBundles { try? FileManager.default.removeItem(atPath: "\(folder)/bundles") } }
    let steps = pending.reduce(0) { $0 + 1 + 2 * $1.blends.count } + 2 * separate.count
    progress = ProgressLine(total: 1 + steps)
    defer { progress.clear() }
    let base = path("16-bit")
    _ = try build(["--bits", "16", "--delta", "int8"], base, "the 16-bit bundle")
    benchLambda = try blendToTime(base)
    for (candidate, blends) in pending { try measure(candidate, blends, against: base) }
    for bits in separate {
      try keep(try measureSeparate(bits: bits))
    }
  }

  private func isFinished(_ name: String) -> Bool { record.results.contains { $0.name == name } }

  private func name(_ candidate: FrontierCandidate, _ blend: Blend) -> String {
    blend == .logits ? candidate.name : "\(candidate.name) --blend \(blend.rawValue)"
  }

  private func measure(_ candidate: FrontierCandidate, _ blends: [Blend], against base: String) throws {
    let bundle = path(candidate.name)
    defer { remove(bundle) }
    let command = try build(candidate.options(whole: wholeBytes), bundle, candidate.name)
    for blend in blends {
      let name = name(candidate, blend)
      let blendOptions = ["--blend", blend.rawValue]
      let text = try child(
        ChildProcess(
          executable: ChildProcess.sibling("dera"),
          arguments: [
            "perplexity", bundle, "--file", settings.file, "--lambda", settings.lambda, "--against", base, "--context",
            "\(settings.context)", "--chunks", "\(settings.chunks)", "--json",
          ] + blendOptions + threadOptions), "\(name): quality")
      let figures = try fromJSON(PerplexityFigures.self, text, name: "dera perplexity")
      let bench = try speed(bundle, ["--lambda", benchLambda] + blendOptions, name)
      try keep(
        FrontierResult(
          name: name, family: candidate.family, blendsWeights: blend == .weights, command: command,
          fileBytes: try size(bundle), memoryBytes: bench.memory, rate: bench.rate, rateDeviation: bench.deviation,
          readBytesPerToken: bench.read, quality: figures.quality))
    }
  }

  /// Bytes of the bundle that relative budgets are shares of.
  private var wholeBytes: Int {
    record.results.first { $0.name == "8+own" || $0.name == "8+merge" }?.fileBytes ?? 0
  }

  /// One model alone stands for all: their shapes are the same.
  private func measureSeparate(bits: Int) throws -> FrontierResult {
    let name = separateName(bits)
    let bundle = path("one-\(bits)")
    defer { remove(bundle) }
    let options = ["--bits", "\(bits)"]
    let command = try build(options, bundle, name, aligned: [])
    let bench = try speed(bundle, [], name)
    let single = FrontierResult(
      name: name, family: "", command: command, fileBytes: try size(bundle), memoryBytes: bench.memory,
      rate: bench.rate, rateDeviation: bench.deviation, readBytesPerToken: bench.read, quality: [])
    let whole = record.results.first { $0.name == "\(bits)+own" || $0.name == "\(bits)+merge" }
    return .separate(single, count: 1 + settings.aligned.count, quality: whole?.quality ?? [], name: name)
  }

  private func separateName(_ bits: Int) -> String { "\(1 + settings.aligned.count) separate \(bits)-bit models" }

  // MARK: Children

  /// Makes a bundle.
  /// - Returns: the command, the bundle's own path left out.
  private func build(
    _ options: [String], _ output: String, _ what: String, aligned: [String]? = nil
  ) throws -> String {
    let models = ["--reference", settings.reference] + (aligned ?? settings.aligned).flatMap { ["--aligned", $0] }
    _ = try child(
      ChildProcess(executable: quantize, arguments: models + options + ["--output", output, "--quiet"]),
      "\(what): converting")
    let name = output.split(separator: "/").last.map(String.init) ?? output
    return ChildProcess(executable: "dera-quantize", arguments: models + options + ["--output", name]).text
  }

  private func speed(
    _ bundle: String, _ options: [String], _ what: String
  ) throws -> (rate: Double, deviation: Double, memory: Int, read: Int) {
    let arguments = [
      "bench", bundle, "-p", "\(settings.context)", "-n", "\(Self.generatedTokens)", "-r", "\(Self.repetitions)", "-o",
      "json",
    ]
    let text = try child(
      ChildProcess(
        executable: ChildProcess.sibling("dera"),
        arguments: arguments + options + threadOptions), "\(what): speed and memory")
    let rows = try fromJSON([BenchFigures].self, text, name: "dera bench")
    guard let row = rows.last(where: { $0.test.hasPrefix("tg") }) else {
      throw StreamError(description: "dera bench measured no decoding")
    }
    return (row.rate, row.deviation, rows.compactMap(\.memory).max() ?? 0, row.read)
  }

  private var threadOptions: [String] { settings.threads.map { ["--threads", "\($0)"] } ?? [] }

  private func child(_ process: ChildProcess, _ what: String) throws -> [UInt8] {
    let output = try process.output { progress.update(done, what) }
    done += 1
    return output
  }

  /// The first λ at which the most models run.
  private func blendToTime(_ base: String) throws -> String {
    let bundle = try ModelBundle(path: base)
    let realignments = try Realignment.parseList(settings.lambda, models: bundle.alignedModels)
    func count(_ realignment: Realignment) -> Int { realignment.weights.count { $0 != 0 } }
    let most = realignments.map(count).max()
    return realignments.first { count($0) == most }?.description(models: bundle.alignedModels) ?? "1"
  }

  // MARK: Files

  private func path(_ name: String) -> String { "\(folder)/bundles/\(fileName(name)).dera" }

  private func size(_ path: String) throws -> Int { try MappedFile(path: path).bytes.count }

  private func remove(_ path: String) {
    if !keepsBundles { try? FileManager.default.removeItem(atPath: path) }
  }

  private func keep(_ result: FrontierResult) throws {
    record.results.append(result)
    try writeFile(try jsonText(record), "\(folder)/frontier.json")
    progress.clear()
    let quality = result.quality.map { "\(significant($0.divergence.value)) at λ = \($0.lambda)" }
    Output.note(
      "\(result.name): \(byteText(result.fileBytes)), \(byteText(result.memoryBytes)) resident, "
        + "\(fixed(result.rate, 1)) tokens/s, KL \(quality.joined(separator: ", "))")
  }
}

/// A name that can be a file's.
func fileName(_ text: String) -> String {
  String(text.map { $0.isLetter || $0.isNumber || "+-.".contains($0) ? $0 : "-" })
}

/// What is read of `dera perplexity --json`.
private struct PerplexityFigures: Decodable {
  struct Row: Decodable {
    var lambda: String
    var ppl: Estimate
    var divergence: DivergenceReport?
  }
  var results: [Row]

  var quality: [FrontierResult.Quality] {
    results.compactMap { row in
      row.divergence.map {
        .init(lambda: row.lambda, perplexity: row.ppl, divergence: $0.divergence.mean, sameTop: $0.sameTop)
      }
    }
  }
}

/// What is read of `dera bench -o json`.
private struct BenchFigures: Decodable {
  var test: String
  var rate: Double
  var deviation: Double
  var memory: Int?
  var read: Int

  enum CodingKeys: String, CodingKey {
    case test
    case rate = "avg_ts"
    case deviation = "stddev_ts"
    case memory = "memory_bytes"
    case read = "read_bytes_per_token"
  }
}
