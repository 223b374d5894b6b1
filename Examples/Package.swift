// swift-tools-version: 6.2
import PackageDescription

// A package that embeds the library as anybody's would: one product, one import.
let dera: Target.Dependency = .product(name: "DeRa", package: "dera")

let package = Package(
  name: "examples",
  dependencies: [.package(name: "dera", path: "..")],
  targets: ["Story", "Chat", "LambdaSweep", "AsyncService"].map {
    .executableTarget(name: $0, dependencies: [dera], swiftSettings: [.treatAllWarnings(as: .error)])
  },
  swiftLanguageModes: [.v6]
)
