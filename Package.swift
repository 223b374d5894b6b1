// swift-tools-version: 6.2
import PackageDescription

let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let real: Target.Dependency = .product(name: "RealModule", package: "swift-numerics")

// The module list is data: one row a module, importing only modules above it (checked by tools/check-imports).
// swift-format-ignore
let modules: [(name: String, imports: [Target.Dependency])] = [
  ("TensorCore", []),
  ("GGUF", ["TensorCore"]),
  ("Compression", ["CLZ4"]),
  ("ModelSpec", ["TensorCore", real]),
  ("Tokenization", ["CPCRE2"]),
  ("ChatTemplate", []),
  ("Bundle", ["TensorCore", "GGUF", "ModelSpec"]),
  ("Checkpoints", ["TensorCore", "GGUF", "ModelSpec", "Tokenization"]),
  ("Quantization", ["TensorCore"]),
  ("Conversion", ["TensorCore", "GGUF", "ModelSpec", "Tokenization", "ChatTemplate", "Bundle", "Checkpoints", "Quantization", crypto]),
  ("Kernels", ["CKernels", "CScheduling", "TensorCore", real]),
  ("Transformer", ["TensorCore", "ModelSpec", "Kernels", real]),
  ("DeRa", ["TensorCore", "GGUF", "ModelSpec", "Compression", "Bundle", "Tokenization", "ChatTemplate", "Kernels", "Transformer", real, crypto]),
  ("Calibration", ["TensorCore", "GGUF", "ModelSpec", "Tokenization", "Checkpoints", "Quantization", "Conversion", "Kernels", "Transformer", "DeRa"]),
  ("Evaluation", ["Tokenization", "Kernels", "DeRa", real]),
  ("Commands", ["TensorCore", "GGUF", "Compression", "ModelSpec", "Bundle", "Tokenization", "ChatTemplate", "Kernels", "DeRa", "Evaluation", arguments]),
]

let settings: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let cSettings: [CSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
  name: "dera",
  products: [
    .library(name: "DeRa", targets: ["DeRa"]),
    // For the benchmarks.
    .library(name: "Kernels", targets: ["Kernels", "TensorCore"]),
    .executable(name: "dera", targets: ["dera"]),
    .executable(name: "dera-quantize", targets: ["dera-quantize"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.0"),
  ],
  targets: [
    .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
    .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    .target(name: "CKernels", cSettings: cSettings),
    .target(name: "CScheduling", cSettings: cSettings),
    .target(
      name: "CKernelsConformance", dependencies: ["CKernels"], path: "Tests/CKernelsConformance", exclude: ["main.c"],
      cSettings: cSettings),
    .testTarget(name: "CKernelsTests", dependencies: ["CKernelsConformance", "Kernels"], swiftSettings: settings),
    .executableTarget(name: "dera", dependencies: ["Commands"], swiftSettings: settings),
    .executableTarget(
      name: "dera-quantize",
      dependencies: ["TensorCore", "GGUF", "Conversion", "Calibration", "Kernels", "DeRa", "Evaluation", arguments],
      path: "tools/quantize", swiftSettings: settings),
  ]
    + modules.map { .target(name: $0.name, dependencies: $0.imports, swiftSettings: settings) }
    + modules.map {
      .testTarget(
        name: "\($0.name)Tests", dependencies: [.byName(name: $0.name)] + $0.imports, swiftSettings: settings)
    } + [
      .testTarget(
        name: "GoldenTests", dependencies: ["Checkpoints", "Conversion", "Kernels", "DeRa", "Evaluation", real],
        swiftSettings: settings)
    ],
  swiftLanguageModes: [.v6]
)
