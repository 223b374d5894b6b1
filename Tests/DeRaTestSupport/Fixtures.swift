import DeRaPlatform
import FoundationEssentials

/// Paths of the files that tests read.
package enum Fixtures {
  /// The root of the package.
  package static let repository = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
  package static let directory = repository + "/Tests/Fixtures"
  package static let checkpoints = directory + "/checkpoints"
  package static let goldens = directory + "/goldens"
  /// Every golden checkpoint, aligned ones included.
  package static func goldenNames() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: goldens).filter {
      FileManager.default.fileExists(atPath: "\(goldens)/\($0)/config.json")
    }.sorted()
  }

  /// The embedded family: its checkpoints, and its bundle.
  package static let family = repository + "/quantized-models/storyteller"
  package static let storyteller = family + "/storyteller.dera"
  /// The directory filled by tools/fetch-models; nil where `DERA_MODELS` names none.
  package static let models = getenv("DERA_MODELS").map { String(cString: $0) }

  /// The content of a fixture.
  package static func data(_ name: String) throws -> Data {
    try Data(contentsOf: URL(filePath: "\(directory)/\(name)"))
  }

  package static func text(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }

  /// The content of a file outside the package.
  package static func bytes(at path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

  /// The 32-bit floats of a fixture, stored little-endian.
  package static func floats(_ name: String) throws -> [Float] {
    try data(name).withUnsafeBytes { raw in
      stride(from: 0, to: raw.count, by: 4).map {
        Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: $0, as: UInt32.self)))
      }
    }
  }
}
