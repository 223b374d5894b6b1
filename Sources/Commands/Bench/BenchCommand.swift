import ArgumentParser
import DeRa
import Kernels

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures speed, memory and bytes read per token.",
    discussion: """
      Every combination of threads and λ is measured on reading a prompt (pp) and on writing tokens (tg), after one run \
      to warm up. t/s is mean ± standard deviation. memory is what is resident afterwards, the bundle's pages included; \
      read/token are the weights that one decoded token reads.

      Examples:
        dera bench model.dera
        dera bench --isa -t 1,2
        dera bench model.dera -p 512 -n 128 -t 1,2 --lambda 0,0.5,1 -r 5 -o json
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case md, json }

  @Argument(help: "The model bundle, a .dera file; not with --isa.", completion: .file(extensions: ["dera"]))
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
  @Option(
    name: [.short, .long], parsing: .unconditional,
    help: ArgumentHelp("Thread counts (default: one for every fast core).", valueName: "list"))
  var threads: String?
  @OptionGroup var lambda: LambdaListArgument
  @Option(name: .shortAndLong, parsing: .unconditional, help: ArgumentHelp("Measurements of each.", valueName: "count"))
  var repetitions = 5
  @Option(name: .shortAndLong, help: "Markdown table or JSON.") var output = Format.md

  func validate() throws {
    guard isa != (bundle != nil) else { throw ValidationError("give either a bundle or --isa") }
    guard prompt >= 0, generate >= 0, max(prompt, generate) > 0 else {
      throw ValidationError("-p and -n must be 0 or more, and one of them above 0")
    }
    guard (1...10_000).contains(repetitions) else { throw ValidationError("-r must be from 1 to 10000") }
    _ = try threadCounts()
  }

  func run() throws {
    guard let path = bundle else { return try timeKernels() }
    let bundle = try ModelBundle(path: path)
    let realignments = try lambda.realignments(for: bundle)
    var measurements: [Measurement] = []
    for threads in try threadCounts() {
      let engine = try Engine(pool: threadPool(threads))
      let session = try Session(bundle: bundle, contextLength: max(prompt, generate, 1), engine: engine)
      session.shouldContinue = { !Interrupt.isRequested }
      for realignment in realignments {
        for test in [BenchTest.prompt(prompt), .generate(generate)] where test.tokens > 0 {
          Output.note("\(test.name), \(threads) threads, λ \(realignment.description(models: bundle.alignedModels))")
          let rates = try interruptible { try test.rates(session, realignment, repetitions: repetitions) }
          measurements.append(Measurement(session, realignment, test, rates))
        }
      }
    }
    try Output.write(output == .json ? jsonText(measurements) : Measurement.table(measurements).markdown)
  }

  private func timeKernels() throws {
    let bench = try KernelBench(repetitions: repetitions)
    let rows = try interruptible { try threadCounts().flatMap { try bench.measurements(threadPool($0)) } }
    try Output.write(output == .json ? jsonText(rows) : KernelMeasurement.table(rows).markdown)
  }

  /// Ctrl-C ends the program without a table: half of one would look like a whole one.
  private func interruptible<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try Interrupt.during(body) } catch SessionError.cancelled { throw ExitCode(130) }
  }

  private func threadCounts() throws -> [Int] {
    guard let threads else { return [coreCount()] }
    let counts = threads.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard counts.allSatisfy({ (1...1024).contains($0) }) else {
      throw ValidationError("--threads takes numbers from 1 to 1024, such as 1,2, not '\(threads)'")
    }
    return counts
  }
}

/// What is timed.
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
  func rates(_ session: Session, _ realignment: Realignment, repetitions: Int) throws -> [Double] {
    var generator = RandomGenerator(seed: 1)
    let vocabulary = Int32(clamping: session.bundle.configuration.vocabularySize)
    let ids = (0..<tokens).map { _ in Int32.random(in: 0..<vocabulary, using: &generator) }
    let clock = ContinuousClock()
    var rates: [Double] = []
    for repetition in 0...repetitions {
      session.truncate(to: 0)
      let time = try clock.measure { try run(session, realignment, ids) }
      // The first one warms caches and clocks up.
      if repetition > 0 { rates.append(Double(tokens) / Double(seconds: time)) }
    }
    return rates
  }

  private func run(_ session: Session, _ realignment: Realignment, _ ids: [Int32]) throws {
    switch self {
    case .prompt:
      try session.append(ids)
      _ = try session.logits(realignment)
    case .generate:
      for id in ids {
        if Interrupt.isRequested { throw SessionError.cancelled }
        try session.append(CollectionOfOne(id))
        _ = try session.logits(realignment)
      }
    }
  }
}
