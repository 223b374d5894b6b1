import Benchmark
import DeRaKernels
import DeRaMeasuring
import DeRaTensorCore

private let bandwidth = BenchmarkMetric.custom("MB a second", polarity: .prefersLarger, useScalingFactor: false)
private let limit = BenchmarkMetric.custom(
  "MB a second, reading only", polarity: .prefersLarger, useScalingFactor: false)
private let share = BenchmarkMetric.custom("% of reading only", polarity: .prefersLarger, useScalingFactor: false)
private let operations = BenchmarkMetric.custom(
  "million operations a second", polarity: .prefersLarger, useScalingFactor: false)

/// Columns of decoding: one model, a pair, a pair in two sequences.
private let decodeColumns = [1, 2, 4]
private let prefillColumns = [64, 256]
private let width = 2048

let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(maxDuration: .milliseconds(500), maxIterations: 1000)
  for set in InstructionSet.supported {
    for codec in PackedCodec.allCases {
      for threads in [1, 2] {
        for columns in decodeColumns { decode(set, codec, threads: threads, columns: columns) }
        for columns in prefillColumns { prefill(set, codec, threads: threads, columns: columns) }
      }
    }
  }
}

/// A product whose matrix comes from memory: how near it is to reading the bytes and doing nothing.
private func decode(_ set: InstructionSet, _ codec: PackedCodec, threads: Int, columns: Int) {
  benchmark(
    "decode", set, codec, threads: threads, rows: nil, columns: columns, metrics: [bandwidth, limit, share]
  ) { benchmark, engine, product in
    let bytes = product.matrix.layout.byteCount
    // Beside every product, because the machine's speed changes within seconds.
    let reading = StreamingRead.rate(engine.pool, count: bytes)
    let rate = Double(bytes) / seconds { product.run(engine) }
    benchmark.measurement(bandwidth, Int(rate / 1e6))
    benchmark.measurement(limit, Int(reading / 1e6))
    benchmark.measurement(share, Int((100 * rate / reading).rounded()))
  }
}

/// A product of many columns with a matrix that the caches hold: how fast it computes.
private func prefill(_ set: InstructionSet, _ codec: PackedCodec, threads: Int, columns: Int) {
  benchmark(
    "prefill", set, codec, threads: threads, rows: 2048, columns: columns, metrics: [operations]
  ) { benchmark, engine, product in
    let time = seconds { product.run(engine) }
    benchmark.measurement(operations, Int(Double(product.operations) / time / 1e6))
  }
}

private func benchmark(
  _ name: String, _ set: InstructionSet, _ codec: PackedCodec, threads: Int, rows: Int?, columns: Int,
  metrics: [BenchmarkMetric], measure: @escaping (Benchmark, Engine, Product) -> Void
) {
  var configuration = Benchmark.defaultConfiguration
  configuration.metrics = metrics
  var load: (engine: Engine, product: Product)?
  Benchmark(
    "\(name), \(set.rawValue), \(codec.rawValue), \(columns) columns, \(threads) threads", configuration: configuration,
    closure: { benchmark in
      if let load { measure(benchmark, load.engine, load.product) }
    },
    setup: {
      let engine = try Engine(instructionSet: set, pool: ThreadPool(threads: threads))
      load = (engine, try Product(codec: codec, rows: rows, width: width, columns: columns, engine: engine))
    },
    teardown: {
      load?.product.deallocate()
      load = nil
    })
}
