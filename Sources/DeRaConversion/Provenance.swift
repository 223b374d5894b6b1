import DeRaPlatform
import FoundationEssentials

/// A file that a bundle was made of.
struct SourceFile: Codable, Sendable, Equatable {
  var name: String
  var bytes: Int
  var sha256: String
}

/// Where a bundle came from, as its `dera.provenance` says in JSON.
///
/// Nothing in it depends on the time, the machine or the directory, so the same input always gives the same bundle.
struct Provenance: Codable, Sendable, Equatable {
  struct Model: Codable, Sendable, Equatable {
    var name: String
    var files: [SourceFile]
  }

  /// The text that error feedback was made with.
  struct Calibration: Codable, Sendable, Equatable {
    /// SHA-256.
    var text: String
    var tokens: Int
  }

  var tool = "dera-quantize \(Version.text)"
  /// nil when the bits were chosen tensor by tensor for a goal.
  var bits: Int?
  /// Options of differences, where they are not the usual ones.
  var delta: String?
  /// The goal that the storage of the tensors was chosen for.
  var goal: AllocationGoal?
  var merge: Bool?
  var strict: Bool
  var calibration: Calibration?
  var models: [Model]

  /// - Throws: `EncodingError`, which these fields do not cause.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
