import DeRaConsole
import DeRaEvaluation
import DeRaJSON
import FoundationEssentials

/// The contents of a folder of `dera frontier`: one process's share of a job, or all of it.
package struct FrontierRecord: Codable {
  static let name = "frontier.json"
  /// Raised when keys or figures change: a folder of another version is refused.
  static let currentVersion = 3

  var version = currentVersion

  var settings: FrontierSettings
  /// The device the bundle is for, as `--device` says it; nil for the machine that reports.
  var device: String?
  /// Tokens a second that it must be able to write.
  var rate: Double
  /// Names of the results that every candidate of the whole job brings, in the report's order.
  package var plan: [[String]] = []
  /// Takes some of the candidates.
  var shard: Shard
  /// Results in the plan's order; behind them those of earlier runs that tried something else.
  package private(set) var results: [FrontierResult] = []

  /// - Throws: `StreamError` or `RecordError` for a file that cannot be read; nil when there is none.
  init?(folder: String) throws {
    let path = "\(folder)/\(Self.name)"
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let text = try withText(path) { Array($0) }
    let version = try fromJSON(Marker.self, text, name: path).version ?? 1
    guard version == Self.currentVersion else {
      throw StreamError(
        description: "\(path) has version \(version) of the format, this program reads \(Self.currentVersion); choose "
          + "another --output, or remove the folder to measure anew")
    }
    self = try fromJSON(FrontierRecord.self, text, name: path)
    try check(at: path)
  }

  /// Only enough to tell the version.
  private struct Marker: Decodable {
    var version: Int?
  }

  init(settings: FrontierSettings, device: String?, rate: Double, shard: Shard) {
    self.settings = settings
    self.device = device
    self.rate = rate
    self.shard = shard
  }

  /// The results that the plan asks for, as far as they are measured.
  var planned: [FrontierResult] { plan.joined().compactMap { self[$0] } }

  subscript(name: String) -> FrontierResult? { results.first { $0.name == name } }

  mutating func add(_ more: [FrontierResult]) {
    let new = results.filter { old in !more.contains { $0.name == old.name } } + more
    let names = Set(plan.joined())
    results = new
    results = planned + new.filter { !names.contains($0.name) }
  }

  /// - Throws: `FileError`.
  func write(to folder: String) throws { try writeFile(try jsonText(self), "\(folder)/\(Self.name)") }

  /// Puts the shards of one job together.
  /// - Throws: `MergeError` when these are not all its shards, each complete.
  static func merged(_ parts: [(name: String, record: FrontierRecord)]) throws -> FrontierRecord {
    try Shard.checkComplete(parts.map(\.record.shard))
    let first = parts[0].record
    var whole = FrontierRecord(settings: first.settings, device: first.device, rate: first.rate, shard: .whole)
    whole.plan = first.plan
    for (name, part) in parts {
      if let what = first.difference(from: part) { throw MergeError.different(name: name, what: what) }
      let wanted = part.plan.indices.filter(part.shard.includes).flatMap { part.plan[$0] }
      let found = wanted.compactMap { part[$0] }
      guard found.count == wanted.count else {
        let missing = wanted.filter { part[$0] == nil }.joined(separator: ", ")
        throw MergeError.incomplete(name: name, missing: "\(missing) was not measured")
      }
      whole.add(found)
    }
    return whole
  }

  private func difference(from other: FrontierRecord) -> String? {
    if let what = settings.difference(from: other.settings) { return what }
    if plan != other.plan { return "list of candidates or --blend" }
    return device == other.device && rate == other.rate ? nil : "--device or --rate"
  }

  /// - Throws: `FrontierError.unknownDevice`.
  func report() throws -> FrontierReport {
    FrontierReport(settings, planned, device: try device.map { try Device($0) } ?? .here, rate: rate)
  }
}

extension Device {
  /// This machine: all its memory but a tenth.
  fileprivate static var here: Device {
    var device = Device(
      name: "here", title: "this machine",
      memoryBytes: Int(clamping: ProcessInfo.processInfo.physicalMemory) / 10 * 9)
    device.isHere = true
    return device
  }
}
