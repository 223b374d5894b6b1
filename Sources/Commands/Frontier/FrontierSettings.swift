import Evaluation
import FoundationEssentials

/// What figures depend on: those of other settings must not be mixed with them.
struct FrontierSettings: Codable, Equatable {
  var reference: String
  var aligned: [String]
  var file: String
  var lambda: String
  var context: Int
  var chunks: Int
  var threads: Int?
  /// Path, bytes and time of change of every input.
  var inputs: [String]

  init(
    reference: String, aligned: [String], file: String, lambda: String, context: Int, chunks: Int, threads: Int?
  ) {
    self.reference = reference
    self.aligned = aligned
    self.file = file
    self.lambda = lambda
    self.context = context
    self.chunks = chunks
    self.threads = threads
    inputs = ([reference] + aligned + [file]).flatMap(Self.stamps)
  }

  private static func stamps(_ argument: String) -> [String] {
    let manager = FileManager.default
    let path = manager.fileExists(atPath: argument) ? argument : String(argument.drop { $0 != "=" }.dropFirst())
    let members = (try? manager.contentsOfDirectory(atPath: path))?.sorted().map { "\(path)/\($0)" } ?? [path]
    return members.map { member in
      let attributes = try? manager.attributesOfItem(atPath: member)
      let size = attributes?[.size] as? Int ?? Int(attributes?[.size] as? UInt64 ?? 0)
      let changed = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
      return "\(member) \(size) \(Int(changed))"
    }
  }
}

/// What is kept between runs.
struct FrontierRecord: Codable {
  var settings: FrontierSettings
  var results: [FrontierResult]

  /// The record of an earlier run; nil when there is none.
  /// - Throws: `StreamError` for one that cannot be read or has other settings.
  static func load(_ path: String, settings: FrontierSettings) throws -> FrontierRecord? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let record = try withText(path) { try fromJSON(FrontierRecord.self, Array($0), name: path) }
    guard record.settings == settings else {
      throw StreamError(
        description: "\(path) has results for other models, texts or options; choose another --output, or remove it")
    }
    return record
  }
}
