import DeRaEvaluation
import FoundationEssentials

/// The settings on which figures depend: figures of other settings must not be mixed with them.
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

  /// The first thing in which others differ; nil when the figures are of one kind.
  func difference(from other: FrontierSettings) -> String? {
    if reference != other.reference || aligned != other.aligned { return "models" }
    if file != other.file { return "text" }
    if lambda != other.lambda { return "list of λ" }
    if context != other.context || chunks != other.chunks { return "--context or --chunks" }
    if threads != other.threads { return "--threads" }
    return inputs == other.inputs ? nil : "size or time of change of an input file"
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
