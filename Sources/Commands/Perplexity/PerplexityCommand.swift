import ArgumentParser
import DeRa
import Evaluation
import GGUF
import Kernels

struct PerplexityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "perplexity",
    abstract: "Measures how well a bundle predicts a text, and what its quantisation changed.",
    discussion: """
      The text is cut as llama.cpp's perplexity tool cuts it: chunks of --context tokens that do not overlap, the second \
      half of each scored. Any number of λ takes one pass over each model.

      --against compares with another bundle of the same pair, usually of 16 bits: the figures and labels of \
      llama-perplexity --kl-divergence, and per aligned model how much of its direction h_m - h_ref is left: relative \
      error, cosine and gain (below 1 acts like a smaller λ). That bundle's logits are blended also with \
      --blend weights, which then shows what the cruder blend costs.

      Examples:
        dera perplexity model.dera --file text.txt --lambda 0,0.5,1
        dera perplexity model.dera --file text.txt --lambda 0,1,3 --against model-16bit.dera
        dera perplexity model.dera --file text.txt --against model-16bit.dera --json > report.json
      """)

  @OptionGroup var bundle: BundleArgument
  @Option(
    name: [.short, .long], help: ArgumentHelp("The text; - reads standard input.", valueName: "text"),
    completion: .file())
  var file: String
  @OptionGroup var lambda: LambdaListArgument
  @OptionGroup var blending: BlendArgument
  @Option(
    help: ArgumentHelp("The bundle to compare with.", valueName: "bundle"), completion: .file(extensions: ["dera"]))
  var against: String?
  @Option(name: [.short, .long], help: ArgumentHelp("Tokens of a chunk.", valueName: "tokens"))
  var context = TextChunks.defaultContext
  @Option(help: ArgumentHelp("Use only the first chunks (default: all).", valueName: "count")) var chunks: Int?
  @Option(name: [.short, .long], help: ArgumentHelp("Threads (default: one a core).", valueName: "count"))
  var threads: Int?
  @Flag(exclusivity: .exclusive, help: "Print a table to read, tab-separated values or JSON.")
  var format = ReportFormat.text

  func validate() throws {
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024") }
    if !(4...Session.maximumContext).contains(context) {
      throw ValidationError("--context must be from 4 to \(Session.maximumContext)")
    }
    if let chunks, chunks < 1 { throw ValidationError("--chunks must be at least 1") }
  }

  func run() throws {
    let bundle = try bundle.open()
    let base = try against.map { try openBundle($0) }
    let text = try PerplexityText(bundle: bundle, base: base, path: file, context: context, limit: chunks)
    let measurement = try PerplexityMeasurement(
      bundle: bundle, against: base, realignments: try lambda.realignments(for: bundle), context: context,
      engine: try Engine(pool: ThreadPool(threads: threads ?? coreCount())), blend: blending.blend)
    let progress = ProgressLine(total: text.chunks.count)
    try Interrupt.during {
      defer { progress.clear() }
      for index in 0..<text.chunks.count {
        if Interrupt.isRequested { throw ExitCode(130) }
        try measurement.add(text.chunks[index], from: text.chunks.firstScored)
        progress.update(index + 1, "chunk \(index + 1) of \(text.chunks.count) · \(summary(measurement))")
      }
    }
    let report = PerplexityReport(measurement, bundle: bundle, base: base, file: file, chunks: text.chunks)
    try Output.write(try report.formatted(format))
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

/// The bytes of a file, or of standard input for `-`.
func withText<Result>(_ path: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
  if path == "-" { return try Input.readAll().withUnsafeBytes(body) }
  let file = try MappedFile(path: path)
  return try withExtendedLifetime(file) { try body(file.bytes) }
}
