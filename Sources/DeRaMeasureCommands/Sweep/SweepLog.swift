import DeRaConsole
import DeRaEvaluation
import DeRaJSON
import DeRaPlatform

/// A sweep's directory while it is worked on: answers are added to `samples.jsonl` line by line as they are finished, so
/// that a sweep that was stopped, however hard, goes on from there.
final class SweepLog {
  static let name = "samples.jsonl"

  let path: String
  /// Answers that were there already and fit the header.
  private(set) var known: [SampleKey: SampleRecord]
  private let folder: WorkFolder
  private let descriptor: Int32

  /// Makes the directory, or resumes the sweep that it holds.
  /// - Parameter vocabulary: the models' tokens; nil where no bundle is open.
  /// - Throws: `FileError`, `StreamError` and `RecordError` for a damaged file, `SweepError.otherSweep` for one of another
  ///   sweep, `WorkFolderError.inUse` while another process works on it.
  init(directory name: String, header: SweepHeader, vocabulary: Int?) throws {
    folder = try WorkFolder(name)
    path = "\(name)/\(Self.name)"
    var records: [SampleRecord] = []
    if let file = try SweepFile(path: path, endMayBeMissing: true, vocabulary: vocabulary) {
      if let what = header.difference(from: file.header) { throw SweepError.otherSweep(path: path, what: what) }
      records = file.records
    }
    known = Dictionary(records.map { ($0.key, $0) }) { first, _ in first }
    // What was written last may be half a line; from here on the file is whole.
    try writeFile(try SweepFile.text(header: header, records: records), path)
    descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError.failed(attempt: "open", path: path, code: errno) }
  }

  deinit { close(descriptor) }

  /// Adds a finished answer.
  func append(_ record: SampleRecord) throws {
    known[record.key] = record
    let bytes = Array(try jsonText(record, pretty: false).utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw FileError.failed(attempt: "write to", path: path, code: errno) }
      done += count
    }
  }
}

/// The lines of a sweep's file: the header, then the answers.
struct SweepFile {
  let header: SweepHeader
  let records: [SampleRecord]

  /// nil when the file does not exist or has not even a header.
  /// - Parameters:
  ///   - endMayBeMissing: the last line may have been cut; it is left out.
  ///   - vocabulary: the models' tokens; nil where no bundle is open.
  /// - Throws: `FileError`, and `StreamError` or `RecordError` naming a line that is not what it must be.
  init?(path: String, endMayBeMissing: Bool = false, vocabulary: Int? = nil) throws {
    if access(path, F_OK) != 0 && errno == ENOENT { return nil }
    var lines = try withText(path) { text in
      text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
    }
    // What follows the last line feed: nothing in a whole file.
    let rest = lines.popLast() ?? []
    guard rest.isEmpty || endMayBeMissing else {
      throw StreamError(description: "\(path) ends within a line; run the sweep again, it goes on where it stopped")
    }
    guard let first = lines.first else { return nil }
    let header = try fromJSON(SweepHeader.self, first, name: "\(path), line 1")
    guard header.kind == SweepHeader.kind, header.version == SweepHeader.version else {
      throw StreamError(
        description: "\(path) is not a sweep's file of version \(SweepHeader.version); choose another directory")
    }
    try header.check(at: "\(path), line 1")
    let metrics = Set(SweepMetric.all(of: header).map(\.name))
    var known: Set<SampleKey> = []
    records = try lines.dropFirst().enumerated().map { index, line in
      let place = "\(path), line \(index + 2)"
      let record = try fromJSON(SampleRecord.self, line, name: place)
      try record.check(header, metrics: metrics, vocabulary: vocabulary, at: place)
      try RecordCheck(place: place).require(
        known.insert(record.key).inserted, "seed", "another one: line \(index + 2) repeats an answer")
      return record
    }
    self.header = header
  }

  /// - Throws: `MergeError.incomplete` when answers that the header asks for are missing.
  func checkComplete(name: String) throws(MergeError) {
    // The number first: a short file may ask for more answers than memory holds.
    let wanted = header.keyCount ?? .max
    var missing = wanted - records.count
    if missing <= 0 {
      let known = Set(records.map(\.key))
      missing = header.keys.count { !known.contains($0) }
    }
    if missing > 0 { throw .incomplete(name: name, missing: "\(missing) answers are missing") }
  }

  /// The file's text.
  static func text(header: SweepHeader, records: [SampleRecord]) throws -> String {
    var text = try jsonText(header, pretty: false)
    for record in records { text += try jsonText(record, pretty: false) }
    return text
  }
}

/// Why a sweep cannot start.
package enum SweepError: Error, Equatable, CustomStringConvertible {
  case otherSweep(path: String, what: String)

  package var description: String {
    switch self {
    case .otherSweep(let path, let what):
      "\(path) belongs to another sweep: its \(what) differs; choose another --output, or delete it to start anew"
    }
  }
}
