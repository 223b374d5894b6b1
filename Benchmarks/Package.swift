// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let kernels: Target.Dependency = .product(name: "Kernels", package: "dera")

/// A benchmark target; package-benchmark finds it by its folder's name.
func benchmarks(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name, dependencies: ["Measuring", .product(name: "Benchmark", package: "benchmark")] + dependencies,
    path: "Benchmarks/\(name)", swiftSettings: settings,
    plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
}

let package = Package(
  name: "benchmarks",
  dependencies: [
    .package(name: "dera", path: ".."),
    // Without its allocation counters, which need libraries that no system ships; ours are in CMeasure.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    .target(name: "CMeasure", cSettings: [.treatAllWarnings(as: .error)]),
    .target(name: "Measuring", dependencies: ["CMeasure", kernels], swiftSettings: settings),
    benchmarks("KernelBenchmarks", [kernels]),
    benchmarks("DecoderBenchmarks", [kernels, .product(name: "DeRa", package: "dera")]),
  ],
  swiftLanguageModes: [.v6]
)
