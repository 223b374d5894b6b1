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
        dera bench model.dera -p 512 -n 128 -t 1,2 --lambda 0,0.5,1 -r 5 -o json
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case md, json }

  @OptionGroup var bundle: BundleArgument
  @Option(name: [.customShort("p"), .long], help: ArgumentHelp("Prompt tokens; 0 skips.", valueName: "tokens"))
  var prompt = 512
  @Option(name: [.customShort("n"), .long], help: ArgumentHelp("Tokens to write; 0 skips.", valueName: "tokens"))
  var generate = 128
  @Option(name: [.short, .long], help: ArgumentHelp("Thread counts (default: one a core).", valueName: "list"))
  var threads: String?
  @OptionGroup var lambda: LambdaListArgument
  @OptionGroup var cache: CacheArgument
  @Option(name: .shortAndLong, help: ArgumentHelp("Measurements of each.", valueName: "count")) var repetitions = 5
  @Option(name: .shortAndLong, help: "Markdown table or JSON.") var output = Format.md

  func validate() throws {
    guard prompt >= 0, generate >= 0, max(prompt, generate) > 0 else {
      throw ValidationError("-p and -n must be 0 or more, and one of them above 0")
    }
    guard (1...10_000).contains(repetitions) else { throw ValidationError("-r must be from 1 to 10000") }
    _ = try threadCounts()
  }

  func run() throws {
    let bundle = try bundle.open()
    let realignments = try lambda.realignments(for: bundle)
    var measurements: [Measurement] = []
    for threads in try threadCounts() {
      let engine = try Engine(pool: ThreadPool(threads: threads))
      let session = try Session(
        bundle: bundle, contextLength: max(prompt, generate, 1), engine: engine, cacheCodec: cache.codec)
      for realignment in realignments {
        for test in [BenchTest.prompt(prompt), .generate(generate)] where test.tokens > 0 {
          Output.note("\(test.name), \(threads) threads, λ \(realignment.description(models: bundle.alignedModels))")
          let rates = try test.rates(session, realignment, repetitions: repetitions)
          measurements.append(Measurement(session, realignment, test, rates))
        }
      }
    }
    try Output.write(output == .json ? jsonText(measurements) : Measurement.table(measurements).markdown)
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
        try session.append(CollectionOfOne(id))
        _ = try session.logits(realignment)
      }
    }
  }
}
