import ArgumentParser
import DeRa
import DeRaCommands
import DeRaConsole
import DeRaEvaluation
import DeRaKernels
import DeRaPlatform
import DeRaText

struct PerplexityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: Handover.perplexity.command,
    abstract: Handover.perplexity.abstract,
    discussion: """
      The text is cut as llama.cpp's perplexity tool cuts it: chunks of --context tokens that do not overlap, the second \
      half of each scored. Any number of λ takes one pass over each model.

      --against compares with another bundle of the same pair, usually of 16 bits: the figures and labels of \
      llama-perplexity --kl-divergence, and per aligned model how much of its direction h_m - h_ref is left: relative \
      error, cosine and gain (below 1 acts like a smaller λ). That bundle's logits are blended also with \
      --blend weights, which then shows what the cruder blend costs.

      Examples:
        dera perplexity model.dera --file text.txt --lambda 0:1:0.5
        dera perplexity model.dera --file text.txt --lambda '0;1;3' --against model-16bit.dera
        dera perplexity model.dera --file text.txt --against model-16bit.dera --json > report.json
        dera perplexity model.dera --file text.txt --shard 1/2 > part1.jsonl   (and 2/2 elsewhere; then dera merge)
      """)

  @OptionGroup var bundle: BundleArgument
  @Option(
    name: [.short, .long], help: ArgumentHelp("The text; - reads standard input.", valueName: "text"),
    completion: .file())
  var file: String
  @OptionGroup(title: "Alignment") var lambda: LambdaListArgument
  @OptionGroup var blending: BlendArgument
  @OptionGroup var precision: PrecisionArguments
  @Option(
    help: ArgumentHelp("The bundle to compare with.", valueName: "bundle"), completion: .file(extensions: ["dera"]))
  var against: String?
  @Option(name: [.short, .long], help: ArgumentHelp("Tokens of a chunk.", valueName: "tokens"))
  var context = TextChunks.defaultContext
  @Option(help: ArgumentHelp("Use only the first chunks (default: all).", valueName: "count")) var chunks: Int?
  @OptionGroup var threads: ThreadsOption
  @Option(help: ArgumentHelp("Measure only this part of the chunks, such as 2/8, for dera merge.", valueName: "i/n"))
  var shard: Shard?
  @Flag(exclusivity: .exclusive, help: "Print a table to read, tab-separated values or JSON.")
  var format = ReportFormat.text

  func validate() throws {
    if !(4...DecodingSession.maximumContext).contains(context) {
      throw ValidationError("--context must be from 4 to \(DecodingSession.maximumContext)")
    }
    if shard != nil && format != .text {
      throw ValidationError("--shard prints lines for dera merge, which takes --json and --tsv")
    }
    if let chunks, chunks < 1 { throw ValidationError("--chunks must be at least 1") }
  }

  func run() throws {
    let bundle = try bundle.open()
    let base = try against.map { try openBundle($0) }
    let text = try PerplexityText(bundle: bundle, base: base, path: file, context: context, limit: chunks)
    let realignments = try lambda.realignments(for: bundle)
    let measurement = try PerplexityMeasurement(
      bundle: bundle, against: base, realignments: realignments, context: context,
      engine: try precision.engine(threads: threads.count), cacheCodec: precision.kv, blend: blending.blend)
    let job = try PerplexityJob(
      bundle: bundle, against: base, file: file, chunks: text.chunks, realignments: realignments,
      blend: blending.blend, kv: precision.kv, activations: precision.activations(for: bundle), shard: shard ?? .whole)
    if shard != nil { try Output.write(try jsonText(job, pretty: false)) }
    let own = (0..<text.chunks.count).filter(job.shard.includes)
    let progress = ProgressLine(total: own.count)
    try Interrupt.during {
      defer { progress.clear() }
      for (done, index) in own.enumerated() {
        if Interrupt.isRequested { throw ExitCode.interrupted }
        let part = try measurement.add(text.chunks[index], from: text.chunks.firstScored)
        if shard != nil { try Output.write(try jsonText(PerplexityLine(chunk: index, totals: part), pretty: false)) }
        progress.update(done + 1, "chunk \(done + 1) of \(own.count) · \(summary(measurement))")
      }
    }
    if shard == nil { try Output.write(try PerplexityReport(job, measurement.totals).formatted(format)) }
  }

  private func summary(_ measurement: PerplexityMeasurement) -> String {
    "PPL " + measurement.scores.map { fixed($0.perplexity.value, 3) }.joined(separator: ", ")
  }
}

/// How a report is printed.
enum ReportFormat: String, EnumerableFlag {
  case text, tsv, json
}

/// A text read and cut.
struct PerplexityText {
  let chunks: TextChunks

  /// - Throws: `FileError`, `PromptError`, `EvaluationError`, and `StreamError` for standard input.
  init(bundle: ModelBundle, base: ModelBundle?, path: String, context: Int, limit: Int?) throws {
    let tokenizer = try PromptFormat(bundle).tokenizer
    let tokens = try withText(path) { text in
      _ = try utf8Text(text, path: sourceName(path))
      // As in llama.cpp's tool, special tokens spelled out in the text are text.
      let tokens = try tokenizer.encode(text, addSpecial: false, parseSpecial: false)
      if let base, try PromptFormat(base).tokenizer.encode(text, addSpecial: false, parseSpecial: false) != tokens {
        throw EvaluationError.differentPairs("their tokenizers cut the text differently")
      }
      return tokens
    }
    let prefix = tokenizer.prefixIDs
    let beginning = tokenizer.bosID.flatMap { prefix.contains($0) ? $0 : nil }
    chunks = try TextChunks(tokens: prefix + tokens, context: context, beginning: beginning, limit: limit)
  }
}
