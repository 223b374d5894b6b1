import Benchmark
import DeRa
import DeRaKernels
import DeRaMeasuring

private let rate = BenchmarkMetric.custom("tokens a second", polarity: .prefersLarger, useScalingFactor: false)
private let allocated = BenchmarkMetric.custom("allocations a token", useScalingFactor: false)
private let bytesRead = BenchmarkMetric.custom("bytes read a token", useScalingFactor: false)
private let bandwidth = BenchmarkMetric.custom("MB a second", polarity: .prefersLarger, useScalingFactor: false)
private let share = BenchmarkMetric.custom("% of reading only", polarity: .prefersLarger, useScalingFactor: false)

/// λ of the first aligned model, and what that makes run.
private let realignments: [(name: String, lambda: Float)] = [("one model", 0), ("pair", 0.5)]
private let decodedTokens = 32
private let promptTokens = 128

let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(maxDuration: .seconds(2), maxIterations: 100)
  for threads in [1, 2] {
    for (name, lambda) in realignments {
      decode("decode, \(name), \(threads) threads", lambda, threads: threads)
      prefill("prefill, \(name), \(threads) threads", lambda, threads: threads)
    }
  }
  // Names without spaces: they are the names of the files under Thresholds/.
  cost("cost-one-model", 0)
  cost("cost-pair", 0.5)
  startUp()
}

private func decode(_ name: String, _ lambda: Float, threads: Int) {
  benchmark(name, lambda, threads: threads, metrics: [rate, bandwidth, share]) { benchmark, session, realignment in
    session.truncate(to: 0)
    let time = try seconds { try decode(session, realignment) }
    let bytes = session.bundle.manifest.weightBytesPerToken(realignment)
    let speed = Double(bytes * decodedTokens) / time
    benchmark.measurement(rate, Int(Double(decodedTokens) / time))
    benchmark.measurement(bandwidth, Int(speed / 1e6))
    benchmark.measurement(share, Int((100 * speed / StreamingRead.rate(session.engine.pool)).rounded()))
  }
}

/// The cost of a token, the same on every machine; these figures have thresholds.
private func cost(_ name: String, _ lambda: Float) {
  benchmark(name, lambda, threads: 2, metrics: [allocated, bytesRead]) { benchmark, session, realignment in
    session.truncate(to: 0)
    // The first token is not counted: it may set up what the others use.
    try step(session, realignment, token: 1)
    let made = try allocations { try decode(session, realignment) }
    // Rounded up, so that one allocation in all the tokens is not lost.
    benchmark.measurement(allocated, (made + decodedTokens - 1) / decodedTokens)
    benchmark.measurement(bytesRead, session.bundle.manifest.weightBytesPerToken(realignment))
  }
}

private func decode(_ session: DecodingSession, _ realignment: Realignment) throws {
  for token in 0..<decodedTokens { try step(session, realignment, token: Int32(token)) }
}

private func prefill(_ name: String, _ lambda: Float, threads: Int) {
  benchmark(name, lambda, threads: threads, metrics: [rate]) { benchmark, session, realignment in
    session.truncate(to: 0)
    let time = try seconds {
      try session.append((0..<Int32(promptTokens)).map { $0 })
      _ = try session.logits(realignment)
    }
    benchmark.measurement(rate, Int(Double(promptTokens) / time))
  }
}

/// The time from the start of the process to its end after one token.
private func startUp() {
  var configuration = Benchmark.defaultConfiguration
  configuration.metrics = [.wallClock]
  Benchmark("start-up to the first token", configuration: configuration) { benchmark in
    let arguments = [
      Target.program, "run", Target.bundle, "--raw", "-n", "1", "--temperature", "0", "Once upon a time",
    ]
    if run(arguments) != 0 { benchmark.error("\(Target.program) failed; build it, or name another in DERA") }
  }
}

private func step(_ session: DecodingSession, _ realignment: Realignment, token: Int32) throws {
  try session.append(CollectionOfOne(token))
  _ = try session.logits(realignment)
}

private func benchmark(
  _ name: String, _ lambda: Float, threads: Int, metrics: [BenchmarkMetric],
  measure: @escaping (Benchmark, DecodingSession, Realignment) throws -> Void
) {
  var configuration = Benchmark.defaultConfiguration
  configuration.metrics = metrics
  var load: (session: DecodingSession, realignment: Realignment)?
  Benchmark(
    name, configuration: configuration,
    closure: { benchmark in
      guard let load else { return }
      do {
        try measure(benchmark, load.session, load.realignment)
      } catch {
        benchmark.error("\(error)")
      }
    },
    setup: {
      let bundle = try ModelBundle(path: Target.bundle)
      let session = try DecodingSession(
        bundle: bundle, contextLength: promptTokens, engine: Engine(pool: ThreadPool(threads: threads)))
      load = (session, Realignment(lambda, models: bundle.manifest.models.count - 1))
      precondition(countsAllocations(), "allocations are not counted on this system")
    },
    teardown: { load = nil })
}

/// Whether one allocation is seen, so that a count of zero means something.
private func countsAllocations() -> Bool {
  allocations {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 64)
    blackHole(memory)
    memory.deallocate()
  } > 0
}
