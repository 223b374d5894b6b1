import DeRaDigest
import DeRaEvaluation
import DeRaPlatform
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
  /// SHA-256 of every input: of a file's bytes, or of the names and bytes of a directory's files.
  var inputs: [String]

  /// - Throws: `FileError` when an input cannot be read.
  init(
    reference: String, aligned: [String], file: String, lambda: String, context: Int, chunks: Int, threads: Int?
  ) throws {
    self.reference = reference
    self.aligned = aligned
    self.file = file
    self.lambda = lambda
    self.context = context
    self.chunks = chunks
    self.threads = threads
    inputs = try ([reference] + aligned + [file]).map { try Self.digest($0) }
  }

  /// The first thing in which others differ; nil when the figures are of one kind.
  func difference(from other: FrontierSettings) -> String? {
    if reference != other.reference || aligned != other.aligned { return "models" }
    if file != other.file { return "text" }
    if lambda != other.lambda { return "list of λ" }
    if context != other.context || chunks != other.chunks { return "--context or --chunks" }
    if threads != other.threads { return "--threads" }
    return inputs == other.inputs ? nil : "content of the models or the text"
  }

  /// SHA-256 of what was measured, whatever its name and place: results of other content are refused.
  private static func digest(_ argument: String) throws -> String {
    let manager = FileManager.default
    let path = manager.fileExists(atPath: argument) ? argument : String(argument.drop { $0 != "=" }.dropFirst())
    guard let members = try? manager.contentsOfDirectory(atPath: path).sorted() else { return try fileDigest(path) }
    var lines = ""
    for name in members {
      var info = stat()
      // As the converter does, follows links and leaves directories out.
      guard stat("\(path)/\(name)", &info) == 0, info.st_mode & S_IFMT == S_IFREG else { continue }
      lines += "\(try fileDigest("\(path)/\(name)")) \(name)\n"
    }
    return Array(lines.utf8).withUnsafeBytes(SHA256.hexadecimal(of:))
  }

  private static func fileDigest(_ path: String) throws(FileError) -> String {
    let file = try MappedFile(path: path)
    return withExtendedLifetime(file) { SHA256.hexadecimal(of: file.bytes) }
  }
}
