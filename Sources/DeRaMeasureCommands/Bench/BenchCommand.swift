import ArgumentParser
import DeRa
import DeRaCommands
import DeRaConsole
import DeRaEvaluation
import DeRaKernels
import DeRaText

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: Handover.bench.command,
    abstract: Handover.bench.abstract,
    discussion: """
      Every combination of threads and λ is measured on reading a prompt (pp) and on writing tokens (tg), after one run \
      to warm up. With --batch several sequences are written at once, which reads the weights once for all of them; t/s then \
      counts the tokens of all. t/s is the median of the repetitions, with the slowest and the fastest. memory is what is resident afterwards, the bundle's pages included; \
      read/token are the weights that one decoded token reads.

      Examples:
        dera bench model.dera
        dera bench --isa -t 1,2
        dera bench model.dera -p 512 -n 128 -t 1,2 --lambda 0:1:0.5 -r 5 --json
        dera bench model.dera -p 0 --batch 1,2,4,8
        dera bench model.dera --lambda 0.5 --blend logits,weights
      """)

  @Argument(
    help: "The model bundle, a .dera or .dera.lz4 file; not with --isa.",
    completion: .file(extensions: ["dera", "lz4"])
  )
  var bundle: String?
  @Flag(help: "List the instruction sets and time the kernels of each instead, without a bundle.") var isa = false
  @Option(
    name: [.customShort("p"), .long], parsing: .unconditional,
    help: ArgumentHelp("Prompt tokens; 0 skips.", valueName: "tokens"))
  var prompt = 512
  @Option(
    name: [.customShort("n"), .long], parsing: .unconditional,
    help: ArgumentHelp("Tokens to write; 0 skips.", valueName: "tokens"))
  var generate = 128
  @OptionGroup var threads: ThreadCountsOption
  @Option(
    name: .long, parsing: .unconditional,
    help: ArgumentHelp("Numbers of sequences to write at once.", valueName: "list"))
  var batch = "1"
  @OptionGroup(title: "Alignment") var lambda: LambdaListArgument
  @OptionGroup var blending: BlendListArgument
  @OptionGroup var precision: PrecisionArguments
  @Option(name: .shortAndLong, parsing: .unconditional, help: ArgumentHelp("Measurements of each.", valueName: "count"))
  var repetitions = 5
  @Flag(help: "Print JSON instead of a table.") var json = false

  func validate() throws {
    guard isa != (bundle != nil) else { throw ValidationError("give either a bundle or --isa") }
    guard prompt >= 0, generate >= 0, max(prompt, generate) > 0 else {
      throw ValidationError("-p and -n must be 0 or more, and one of them above 0")
    }
    guard (1...10_000).contains(repetitions) else { throw ValidationError("-r must be from 1 to 10000") }
    _ = try batchSizes()
  }

  func run() throws {
    guard let path = bundle else { return try timeKernels() }
    let bundle = try openBundle(path)
    let realignments = try lambda.realignments(for: bundle)
    let sizes = try batchSizes()
    var measurements: [Measurement] = []
    let longest = max(prompt, generate)
    if longest > bundle.configuration.contextLength {
      Output.warning(
        "\(longest) tokens are more than the \(bundle.configuration.contextLength) that the model was made for: the time "
          + "grows with the square of a text's length")
    }
    for threads in try threads.counts() {
      let engine = try precision.engine(threads: threads)
      for (size, blend) in try sizes.flatMap({ size in try blending.blends().map { (size, $0) } }) {
        let batch = try DecodingBatch(
          bundle: bundle, count: size, contextLength: max(prompt, generate, 1), engine: engine,
          cacheCodec: precision.kv, blend: blend)
        batch.sessions[0].shouldContinue = { !Interrupt.isRequested }
        let tests = size == sizes[0] ? [BenchTest.prompt(prompt), .generate(generate)] : [.generate(generate)]
        for realignment in realignments {
          for test in tests where test.tokens > 0 {
            let lambda = realignment.description(models: bundle.alignedModels)
            Output.note(
              "\(test.name), \(counted(threads, "thread")), \(counted(size, "sequence")), λ \(lambda) of \(blend.rawValue)"
            )
            let rates = try interruptible { try test.rates(batch, realignment, repetitions: repetitions) }
            measurements.append(Measurement(batch, realignment, test, rates))
          }
        }
      }
    }
    try Output.write(json ? jsonText(measurements) : Measurement.table(measurements).markdown)
  }

  private func timeKernels() throws {
    let bench = try KernelBench(repetitions: repetitions)
    let rows = try interruptible { try threads.counts().flatMap { try bench.measurements(Threads.pool($0)) } }
    try Output.write(json ? jsonText(rows) : KernelMeasurement.table(rows).markdown)
  }

  /// Ctrl-C ends the program without a table: half of one would look like a whole one.
  private func interruptible<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try Interrupt.during(body) } catch SessionError.cancelled { throw ExitCode.interrupted }
  }

  private func batchSizes() throws -> [Int] {
    try counted(list: batch, of: "--batch", in: SessionLimits.sequences)
  }
}

/// The work that is timed.
enum BenchTest {
  case prompt(Int)
  case generate(Int)

  var tokens: Int {
    switch self {
    case .prompt(let count), .generate(let count): count
    }
  }

  var name: String {
    switch self {
    case .prompt(let count): "pp\(count)"
    case .generate(let count): "tg\(count)"
    }
  }

  /// Tokens a second of every repetition.
  func rates(_ batch: DecodingBatch, _ realignment: Realignment, repetitions: Int) throws -> [Double] {
    var generator = RandomGenerator(seed: 1)
    let vocabulary = Int32(clamping: batch.bundle.configuration.vocabularySize)
    let ids = (0..<tokens).map { _ in Int32.random(in: 0..<vocabulary, using: &generator) }
    let clock = ContinuousClock()
    var rates: [Double] = []
    for repetition in 0...repetitions {
      // A short prompt is one pass, which nothing interrupts.
      if Interrupt.isRequested { throw SessionError.cancelled }
      for session in batch.sessions { session.truncate(to: 0) }
      let time = try clock.measure { try run(batch, realignment, ids) }
      // The first one warms caches and clocks up.
      if repetition > 0 { rates.append(Double(tokens * sequences(batch)) / Double(seconds: time)) }
    }
    return rates
  }

  /// How many sequences of the batch are used.
  func sequences(_ batch: DecodingBatch) -> Int {
    switch self {
    case .prompt: 1
    case .generate: batch.sessions.count
    }
  }

  private func run(_ batch: DecodingBatch, _ realignment: Realignment, _ ids: [Int32]) throws {
    switch self {
    case .prompt:
      try batch.sessions[0].append(ids)
      _ = try batch.sessions[0].logits(realignment)
    case .generate:
      let realignments = [Realignment?](repeating: realignment, count: batch.sessions.count)
      for id in ids {
        if Interrupt.isRequested { throw SessionError.cancelled }
        for session in batch.sessions { try session.append(CollectionOfOne(id)) }
        try batch.logits(realignments) { _, _ in }
      }
    }
  }
}
