// swift-tools-version: 6.2
import PackageDescription

let real: Target.Dependency = .product(name: "RealModule", package: "swift-numerics")

// The module list is data: one row a module, importing only modules above it (checked by tools/check-imports).
let modules: [(name: String, imports: [Target.Dependency])] = [
  ("TensorCore", []),
  ("Kernels", ["CKernels", "TensorCore", real]),
]


let settings: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let cSettings: [CSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
  name: "dera",
  products: [.library(name: "Kernels", targets: ["Kernels"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.0"),
  ],
  targets: [
    .target(name: "CKernels", cSettings: cSettings),
    .target(
      name: "CKernelsConformance", dependencies: ["CKernels"], path: "Tests/CKernelsConformance", exclude: ["main.c"],
      cSettings: cSettings),
    .testTarget(name: "CKernelsTests", dependencies: ["CKernelsConformance", "Kernels"], swiftSettings: settings),
  ]
    + modules.map { .target(name: $0.name, dependencies: $0.imports, swiftSettings: settings) }
    + modules.filter { $0.name == "Kernels" }.map {
      .testTarget(
        name: "\($0.name)Tests", dependencies: [.byName(name: $0.name)] + $0.imports, swiftSettings: settings)
    },
  swiftLanguageModes: [.v6]
)
