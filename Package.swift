// swift-tools-version: 6.2
import PackageDescription

let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let real: Target.Dependency = .product(name: "RealModule", package: "swift-numerics")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")

// The module list is data: one row a module, importing only modules above it (checked by tools/check-imports).
// swift-format-ignore
let modules: [(name: String, imports: [Target.Dependency])] = [
  ("DeRaTensorCore", []),
  ("DeRaDigest", ["CDeRaDigest"]),
  ("DeRaPlatform", ["CDeRaFaults", "DeRaTensorCore"]),
  ("DeRaGGUF", ["DeRaTensorCore", "DeRaPlatform"]),
  ("DeRaJSON", []),
  ("DeRaText", []),
  ("DeRaGrammar", ["DeRaJSON"]),
  ("DeRaCompression", ["CDeRaLZ4"]),
  ("DeRaModelSpec", [real]),
  ("DeRaTokenization", ["CDeRaPCRE2", "DeRaPlatform"]),
  ("DeRaChatTemplate", ["DeRaPlatform"]),
  ("DeRaPrompting", ["DeRaPlatform", "DeRaTokenization", "DeRaChatTemplate"]),
  ("DeRaBundle", ["DeRaTensorCore", "DeRaGGUF", "DeRaModelSpec"]),
  ("DeRaCheckpoints", ["DeRaTensorCore", "DeRaPlatform", "DeRaJSON", "DeRaGGUF", "DeRaModelSpec", "DeRaTokenization"]),
  ("DeRaQuantization", ["DeRaTensorCore"]),
  ("DeRaConversion", ["DeRaTensorCore", "DeRaDigest", "DeRaPlatform", "DeRaText", "DeRaGGUF", "DeRaModelSpec", "DeRaTokenization", "DeRaChatTemplate", "DeRaPrompting", "DeRaBundle", "DeRaCheckpoints", "DeRaQuantization"]),
  ("DeRaKernels", ["CDeRaKernels", "CDeRaScheduling", "DeRaTensorCore", "DeRaPlatform", real]),
  ("DeRaTransformer", ["DeRaTensorCore", "DeRaPlatform", "DeRaModelSpec", "DeRaKernels"]),
  ("DeRa", ["DeRaTensorCore", "DeRaDigest", "DeRaPlatform", "DeRaJSON", "DeRaGGUF", "DeRaCompression", "DeRaGrammar", "DeRaModelSpec", "DeRaTokenization", "DeRaChatTemplate", "DeRaPrompting", "DeRaBundle", "DeRaKernels", "DeRaTransformer", real]),
  ("DeRaCalibration", ["DeRaTensorCore", "DeRaPlatform", "DeRaModelSpec", "DeRaTokenization", "DeRaChatTemplate", "DeRaPrompting", "DeRaQuantization", "DeRaConversion", "DeRaKernels", "DeRaTransformer", "DeRa"]),
  ("DeRaConsole", ["CDeRaScheduling", "DeRaTensorCore", "DeRaPlatform", "DeRaJSON", "DeRaText", "DeRaPrompting", "DeRaBundle", "DeRaKernels", "DeRa", arguments]),
  ("DeRaCommands", ["DeRaTensorCore", "DeRaPlatform", "DeRaJSON", "DeRaText", "DeRaCompression", "DeRaModelSpec", "DeRaTokenization", "DeRaChatTemplate", "DeRaPrompting", "DeRaBundle", "DeRaKernels", "DeRa", "DeRaConsole", arguments]),
  ("DeRaEvaluation", ["DeRaTensorCore", "DeRaJSON", "DeRaText", "DeRaTokenization", "DeRaKernels", "DeRa", real]),
  ("DeRaMeasureCommands", ["DeRaTensorCore", "DeRaDigest", "DeRaPlatform", "DeRaJSON", "DeRaText", "DeRaTokenization", "DeRaChatTemplate", "DeRaBundle", "DeRaKernels", "DeRa", "DeRaEvaluation", "DeRaConsole", "DeRaCommands", arguments]),
  ("DeRaServer", ["DeRaDigest", "DeRaJSON", "DeRaPlatform", "DeRaGrammar", "DeRaModelSpec", "DeRaTokenization", "DeRaChatTemplate", "DeRaBundle", "DeRa", nioCore, nioHTTP1, nioPosix]),
  ("DeRaServeCommand", ["DeRaPlatform", "DeRa", "DeRaConsole", "DeRaCommands", "DeRaServer", arguments]),
  ("DeRaPlanning", ["DeRaPlatform", "DeRaText", "DeRaPrompting", "DeRaConversion", "DeRaKernels", "DeRa", "DeRaCalibration", "DeRaEvaluation", real]),
  ("DeRaQuantizeCommand", ["DeRaTensorCore", "DeRaPlatform", "DeRaText", "DeRaConversion", "DeRa", "DeRaCalibration", "DeRaConsole", "DeRaPlanning", arguments]),
  ("DeRaStudy", ["DeRaPlatform", "DeRaText", "DeRaTokenization", "DeRaKernels", "DeRa", "DeRaEvaluation", "DeRaConsole", arguments, real]),
]

// Files that are part of a module's code, as `PackageResources`.
let resources: [String: [Resource]] = ["DeRaServer": [.embedInCode("Page/index.html")]]

// What a module's tests import beside the module and its own imports.
let testImports: [String: [Target.Dependency]] = [
  "DeRaBundle": ["DeRaPlatform"], "DeRaCalibration": ["DeRaBundle", "DeRaCheckpoints"],
  "DeRaGrammar": ["DeRaPlatform"], "DeRaMeasureCommands": ["DeRaModelSpec"], "DeRaPlanning": ["DeRaCheckpoints"],
  "DeRaQuantization": ["DeRaPlatform"],
]

let settings: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let cSettings: [CSetting] = [.treatAllWarnings(as: .error)]

// Benchmarks need package access, and a package of others that neither the programs nor the tests do.
let hasBenchmarks = Context.environment["DERA_BENCHMARKS"] == "1"

// package-benchmark finds a target by its folder, which must lie in one named Benchmarks.
func benchmarks(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name, dependencies: ["DeRaMeasuring", .product(name: "Benchmark", package: "benchmark")] + dependencies,
    path: "Benchmarks/Benchmarks/\(name)", swiftSettings: settings,
    plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
}

let benchmarkTargets: [Target] = [
  .target(name: "CDeRaMeasure", path: "Benchmarks/Sources/CDeRaMeasure", cSettings: cSettings),
  .target(
    name: "DeRaMeasuring", dependencies: ["CDeRaMeasure", "DeRaKernels"], path: "Benchmarks/Sources/DeRaMeasuring",
    swiftSettings: settings),
  benchmarks("KernelBenchmarks", ["DeRaKernels", "DeRaTensorCore"]),
  benchmarks("DecoderBenchmarks", ["DeRaKernels", "DeRaPlatform", "DeRa"]),
]

// Without its allocation counters, which need libraries that no system ships; ours are in CDeRaMeasure.
let benchmarkPackage = Package.Dependency.package(
  url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: [])

// The readers of untrusted bytes under libFuzzer, which needs compiler options that a package may not set: tools/fuzz gives them.
let fuzzTargets: [Target] = [
  .executableTarget(
    name: "dera-fuzz",
    dependencies: [
      "DeRaPlatform", "DeRaGGUF", "DeRaJSON", "DeRaGrammar", "DeRaCompression", "DeRaTokenization", "DeRaChatTemplate",
      "DeRaCheckpoints", "DeRaKernels", "DeRa",
    ], path: "tools/fuzzing", swiftSettings: settings)
]

// The lists below are apart, and have types, because Swift 6.2 gives up on one expression of this size.
let supportTargets: [Target] = [
  .systemLibrary(name: "CDeRaPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
  .systemLibrary(name: "CDeRaLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
  .target(name: "CDeRaKernels", cSettings: cSettings),
  .target(name: "CDeRaDigest", cSettings: cSettings),
  .target(name: "CDeRaFaults", cSettings: cSettings),
  .target(name: "CDeRaScheduling", cSettings: cSettings),
  .target(
    name: "CDeRaKernelsConformance", dependencies: ["CDeRaKernels"], path: "Tests/CDeRaKernelsConformance",
    exclude: ["main.c"],
    cSettings: cSettings),
  .testTarget(
    name: "CDeRaKernelsTests", dependencies: ["CDeRaKernelsConformance", "DeRaKernels"], swiftSettings: settings),
  .target(
    name: "DeRaTestSupport", dependencies: ["DeRaTensorCore", "DeRaPlatform", "DeRaModelSpec", "DeRaBundle"],
    path: "Tests/DeRaTestSupport",
    swiftSettings: settings),
]

let programs: [Target] = [
  .executableTarget(name: "dera", dependencies: ["DeRaCommands"], swiftSettings: settings),
  .executableTarget(
    name: "dera-measure", dependencies: ["DeRaMeasureCommands"], path: "tools/measure", swiftSettings: settings),
  .executableTarget(
    name: "dera-quantize", dependencies: ["DeRaQuantizeCommand"], path: "tools/quantize", swiftSettings: settings),
  .executableTarget(
    name: "dera-serve", dependencies: ["DeRaServeCommand"], path: "tools/serve", swiftSettings: settings),
  .executableTarget(
    name: "dera-all",
    dependencies: ["DeRaCommands", "DeRaMeasureCommands", "DeRaQuantizeCommand", "DeRaServeCommand"], path: "tools/all",
    swiftSettings: settings),
  .executableTarget(
    name: "dera-study", dependencies: ["DeRaStudy"], path: "tools/study", exclude: ["run"], swiftSettings: settings),
]

let moduleTargets: [Target] = modules.map {
  .target(
    name: $0.name, dependencies: $0.imports, resources: resources[$0.name, default: []], swiftSettings: settings)
}

let moduleTests: [Target] = modules.map {
  .testTarget(
    name: "\($0.name)Tests",
    dependencies: [.byName(name: $0.name), "DeRaTestSupport"] + $0.imports + testImports[$0.name, default: []],
    swiftSettings: settings)
}

let goldenTests: [Target] = [
  .testTarget(
    name: "GoldenTests",
    dependencies: [
      "DeRaTestSupport", "DeRaCheckpoints", "DeRaConversion", "DeRaKernels", "DeRa", "DeRaEvaluation", real,
    ],
    swiftSettings: settings)
]

let package = Package(
  name: "dera",
  products: [
    .library(name: "DeRa", targets: ["DeRa"]),
    .executable(name: "dera", targets: ["dera"]),
    .executable(name: "dera-measure", targets: ["dera-measure"]),
    .executable(name: "dera-quantize", targets: ["dera-quantize"]),
    .executable(name: "dera-serve", targets: ["dera-serve"]),
    .executable(name: "dera-study", targets: ["dera-study"]),
    .executable(name: "dera-all", targets: ["dera-all"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.0"),
  ] + (hasBenchmarks ? [benchmarkPackage] : []),
  targets: supportTargets + programs + moduleTargets + moduleTests + goldenTests
    + (hasBenchmarks ? benchmarkTargets : [])
    + (Context.environment["DERA_FUZZ"] == "1" ? fuzzTargets : []),
  swiftLanguageModes: [.v6]
)
