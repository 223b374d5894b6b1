import DeRa
import DeRaConsole
import DeRaEvaluation
import DeRaPlatform
import DeRaText
import FoundationEssentials

/// Builds and measures candidates one after another, keeping what is finished.
final class FrontierRun {
  private(set) var record: FrontierRecord
  private let items: [Item]
  private let folder: String
  /// Nobody else works on it meanwhile.
  private let lock: WorkFolder
  private let dera: String
  private let quantize: String
  private let keepsBundles: Bool
  /// Whether an aligned model is an adapter.
  private let adapters: Bool
  private var progress = ProgressLine(total: 1)
  private var done = 0
  /// λ at which speed is measured, once the models' names are known.
  private var benchLambda = ""

  private static let generatedTokens = 64
  private static let repetitions = 3
  /// Bytes, for a share of a size that is not known yet.
  private static let anySize = 1 << 40

  /// The smallest part of a job that one process measures.
  private struct Item {
    let candidate: FrontierCandidate
    /// The quantities that λ blends, each with the name of its result.
    let blends: [(blend: Blend, name: String)]
    /// Name of the separate models of these bits, on the first bundle of whole matrices: they predict the same.
    let separate: String?

    var names: [String] { blends.map(\.name) + [separate].compactMap(\.self) }
  }

  /// - Parameters:
  ///   - job: the work to be measured; its plan and results are filled in.
  ///   - adapters: whether an aligned model is an adapter.
  ///   - programs: the folder of `dera` and `dera-quantize`.
  /// - Throws: `FileError`, `WorkFolderError.inUse`, and `StreamError` when the folder holds results of other settings.
  init(
    job: FrontierRecord, candidates: [FrontierCandidate], adapters: Bool, blends: [Blend], folder: String,
    programs: String, keepsBundles: Bool
  ) throws {
    self.folder = folder
    self.keepsBundles = keepsBundles
    self.adapters = adapters
    dera = "\(programs)/dera"
    quantize = "\(programs)/dera-quantize"
    items = Self.items(candidates, adapters: adapters, blends, models: 1 + job.settings.aligned.count)
    lock = try WorkFolder(folder)
    record = job
    record.plan = items.map(\.names)
    guard let known = try FrontierRecord(folder: folder) else { return }
    if let what = known.settings.difference(from: job.settings) {
      throw StreamError(
        description:
          "\(folder)/\(FrontierRecord.name) is of another job: its \(what) differs; choose another --output, "
          + "or remove it")
    }
    record.add(known.results)
  }

  private static func items(
    _ candidates: [FrontierCandidate], adapters: Bool, _ blends: [Blend], models: Int
  ) -> [Item] {
    candidates.enumerated().map { index, candidate in
      let isFirst =
        candidate.isWhole(adapters: adapters)
        && !candidates[..<index].contains { $0.isWhole(adapters: adapters) && $0.bits == candidate.bits }
      return Item(
        candidate: candidate,
        blends: blends.map { blend in
          (blend, blend == .logits ? candidate.name : "\(candidate.name) --blend \(blend.rawValue)")
        },
        // Separate programs can blend logits alone.
        separate: isFirst && blends.contains(.logits)
          ? candidate.bits.map { "\(models) separate \($0)-bit models" } : nil)
    }
  }

  /// Measures what the shard's results lack.
  /// - Throws: `ChildError`, `Interrupted`, `FileError`.
  func run() throws {
    let own = items.indices.filter(record.shard.includes).map { items[$0] }
    let pending = own.filter { item in item.names.contains { record[$0] == nil } }
    if !pending.isEmpty { try measure(pending) }
    try record.write(to: folder)
  }

  private func measure(_ pending: [Item]) throws {
    try check(pending)
    let bundles = "\(folder)/bundles"
    try FileManager.default.createDirectory(atPath: bundles, withIntermediateDirectories: true)
    defer { if !keepsBundles { try? FileManager.default.removeItem(atPath: bundles) } }
    progress = ProgressLine(total: pending.reduce(1) { $0 + steps($1) })
    defer { progress.clear() }
    let base = path("16-bit")
    _ = try build(["--bits", "16", "--delta", "int8"], base, "the 16-bit bundle")
    let bundle = try ModelBundle(path: base)
    benchLambda = try blendToTime(bundle)
    _ = try PerplexityText(
      bundle: bundle, base: nil, path: settings.file, context: settings.context, limit: settings.chunks)
    for item in pending {
      try measure(item, against: base)
      if let name = item.separate, record[name] == nil, let bits = item.candidate.bits {
        try keep(try measureSeparate(name, bits: bits, quality: record[item.candidate.name]?.quality ?? []))
      }
    }
  }

  /// Has the converter read the options of all bundles before the first of them takes its time.
  /// - Throws: `StreamError` naming the candidate.
  private func check(_ pending: [Item]) throws {
    for candidate in pending.map(\.candidate) {
      let options = candidate.options(whole: Self.anySize) + ["--output", path(candidate.name), "--check-only"]
      do {
        _ = try child(quantize, models(settings.aligned) + options, "\(candidate.name): options")
      } catch let error as ChildError {
        throw StreamError(description: "candidate \(candidate.name): \(error)")
      }
    }
    done = 0
  }

  /// How many programs an item takes.
  private func steps(_ item: Item) -> Int {
    let missing = item.blends.count { record[$0.name] == nil }
    return (missing > 0 ? 1 + 2 * missing : 0) + (item.separate.map { record[$0] == nil ? 2 : 0 } ?? 0)
  }

  private func measure(_ item: Item, against base: String) throws {
    let missing = item.blends.filter { record[$0.name] == nil }
    if missing.isEmpty { return }
    let candidate = item.candidate
    let bundle = path(candidate.name)
    defer { remove(bundle) }
    let command = try build(
      candidate.options(whole: candidate.isRelative ? try wholeBytes() : 0), bundle, candidate.name)
    for (blend, name) in missing {
      let blendOptions = ["--blend", blend.rawValue]
      let text = try child(
        dera,
        [
          "perplexity", bundle, "--file", settings.file, "--lambda", settings.lambda, "--against", base, "--context",
          "\(settings.context)", "--chunks", "\(settings.chunks)", "--json",
        ] + blendOptions + threadOptions, "\(name): quality")
      let figures = try fromJSON(PerplexityFigures.self, text, name: "dera perplexity")
      let bench = try speed(bundle, ["--lambda", benchLambda] + blendOptions, name)
      try keep(
        FrontierResult(
          name: name, family: candidate.family, blendsWeights: blend == .weights, command: command,
          fileBytes: try size(bundle), memoryBytes: bench.memory, rate: bench.rate,
          readBytesPerToken: bench.read, quality: figures.quality))
    }
  }

  /// Bytes of the bundle of whole matrices in 8 bits, which relative budgets are shares of.
  private func wholeBytes() throws -> Int {
    guard let item = items.first(where: { $0.candidate.isWhole(adapters: adapters) && $0.candidate.bits == 8 }) else {
      return 0
    }
    if let known = item.names.lazy.compactMap({ self.record[$0] }).first { return known.fileBytes }
    // Another shard builds it.
    let text = try child(
      quantize, models(settings.aligned) + item.candidate.options + ["--dry-run", "--json"],
      "\(item.candidate.name): size")
    return try fromJSON(PlannedSize.self, text, name: "dera-quantize --dry-run").outputBytes
  }

  /// One model alone stands for all: their shapes are the same.
  private func measureSeparate(
    _ name: String, bits: Int, quality: [FrontierResult.Quality]
  ) throws -> FrontierResult {
    let bundle = path("one-\(bits)")
    defer { remove(bundle) }
    let command = try build(["--bits", "\(bits)"], bundle, name, aligned: [])
    let bench = try speed(bundle, [], name)
    let single = FrontierResult(
      name: name, family: "", command: command, fileBytes: try size(bundle), memoryBytes: bench.memory,
      rate: bench.rate, readBytesPerToken: bench.read, quality: [])
    return .separate(single, count: 1 + settings.aligned.count, quality: quality, name: name)
  }

  // MARK: Children

  /// Makes a bundle.
  /// - Returns: the command, the bundle's own path left out.
  private func build(
    _ options: [String], _ output: String, _ what: String, aligned: [String]? = nil
  ) throws -> String {
    let arguments = models(aligned ?? settings.aligned) + options
    _ = try child(quantize, arguments + ["--output", output, "--quiet"], "\(what): converting")
    let name = output.split(separator: "/").last.map(String.init) ?? output
    return ChildProcess(executable: "dera-quantize", arguments: arguments + ["--output", name]).text
  }

  private func models(_ aligned: [String]) -> [String] {
    ["--reference", settings.reference] + aligned.flatMap { ["--aligned", $0] }
  }

  private func speed(
    _ bundle: String, _ options: [String], _ what: String
  ) throws -> (rate: Spread, memory: Int, read: Int) {
    let arguments = [
      "bench", bundle, "-p", "\(settings.context)", "-n", "\(Self.generatedTokens)", "-r", "\(Self.repetitions)",
      "--json",
    ]
    let text = try child(dera, arguments + options + threadOptions, "\(what): speed and memory")
    let rows = try fromJSON([BenchFigures].self, text, name: "dera bench")
    guard let row = rows.last(where: { $0.test.hasPrefix("tg") }) else {
      throw StreamError(description: "dera bench measured no decoding")
    }
    return (Spread(median: row.median, low: row.low, high: row.high), rows.compactMap(\.memory).max() ?? 0, row.read)
  }

  private var settings: FrontierSettings { record.settings }

  private var threadOptions: [String] { settings.threads.map { ["--threads", "\($0)"] } ?? [] }

  private func child(_ program: String, _ arguments: [String], _ what: String) throws -> [UInt8] {
    let output = try ChildProcess(executable: program, arguments: arguments).output { progress.update(done, what) }
    done += 1
    return output
  }

  /// The first λ at which the most models run.
  private func blendToTime(_ bundle: ModelBundle) throws -> String {
    let realignments = try Realignment.parsePoints(settings.lambda, models: bundle.alignedModels)
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
    record.add([result])
    try record.write(to: folder)
    progress.clear()
    let quality = result.quality.map { "\(significant($0.divergence.value)) at λ = \($0.lambda)" }
    Output.note(
      "\(result.name): \(byteText(result.fileBytes)), \(byteText(result.memoryBytes)) resident, "
        + "\(fixed(result.rate.median, 1)) tokens/s, KL \(quality.joined(separator: ", "))")
  }
}

/// A name that can be a file's: `budget-80` for `budget=80%`.
func fileName(_ text: String) -> String {
  let name = text.map { $0.isLetter || $0.isNumber || "+-.".contains($0) ? $0 : "-" }
  return String(name.reversed().drop { $0 == "-" }.reversed())
}

/// The part of `dera-quantize --dry-run --json` that is read.
private struct PlannedSize: Decodable {
  var outputBytes: Int
}

/// The part of `dera perplexity --json` that is read.
private struct PerplexityFigures: Decodable {
  struct Row: Decodable {
    var lambda: String
    var ppl: Estimate
    var divergence: Divergence
  }
  struct Divergence: Decodable {
    var kld: Summary
    var sameTop: Estimate

    enum CodingKeys: String, CodingKey {
      case kld
      case sameTop = "sameTopP"
    }
  }
  struct Summary: Decodable {
    var mean: Estimate
  }
  var results: [Row]

  var quality: [FrontierResult.Quality] {
    results.map {
      .init(lambda: $0.lambda, perplexity: $0.ppl, divergence: $0.divergence.kld.mean, sameTop: $0.divergence.sameTop)
    }
  }
}

/// The part of `dera bench --json` that is read.
private struct BenchFigures: Decodable {
  var test: String
  var median: Double
  var low: Double
  var high: Double
  var memory: Int?
  var read: Int

  enum CodingKeys: String, CodingKey {
    case test
    case median = "medianTs"
    case low = "minTs"
    case high = "maxTs"
    case memory = "memoryBytes"
    case read = "readBytesPerToken"
  }
}
