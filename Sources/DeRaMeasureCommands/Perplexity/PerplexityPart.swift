import DeRa
import DeRaConsole
import DeRaDigest
import DeRaEvaluation
import DeRaJSON
import DeRaKernels
import DeRaTensorCore

/// A perplexity measurement: the first line of a shard's output.
package struct PerplexityJob: Codable, Equatable {
  static let kind = "perplexity"
  /// Raised when keys or figures change: a shard of another version is refused.
  static let version = 2

  var kind = PerplexityJob.kind
  var version = PerplexityJob.version
  var bundle: String
  var against: String?
  var file: String
  var context: Int
  /// Chunks of the whole text.
  var chunks: Int
  var lambdas: [String]
  /// The quantity that λ blends.
  var blend: Blend
  var kv: String
  var activations: String
  /// Names of the aligned models.
  var models: [String]
  /// Tell bundles and texts apart, whatever they are called.
  var fingerprints: [String: String]
  var shard: Shard

  /// - Throws: `FileError` when a bundle is no longer there.
  package init(
    bundle: ModelBundle, against base: ModelBundle?, file: String, chunks: TextChunks, realignments: [Realignment],
    blend: Blend, kv: CacheCodec = .f16, activations: ActivationCoding = .int8, shard: Shard
  ) throws {
    self.bundle = bundle.path
    against = base?.path
    self.file = file
    context = chunks.context
    self.chunks = chunks.count
    lambdas = realignments.map { $0.description(models: bundle.alignedModels) }
    models = bundle.alignedModels
    self.blend = blend
    self.kv = kv.rawValue
    self.activations = activations.rawValue
    fingerprints = [
      Self.bundleName: try bundle.fingerprint(),
      Self.textName: chunks.tokens.map(\.littleEndian).withUnsafeBytes(SHA256.hexadecimal(of:)),
    ]
    fingerprints[Self.baseName] = try base?.fingerprint()
    self.shard = shard
  }

  private static let (bundleName, textName, baseName) = ("bundle", "text", "bundle to compare with")

  /// The things whose fingerprints a job has.
  var fingerprintNames: Set<String> { Set([Self.bundleName, Self.textName] + (against == nil ? [] : [Self.baseName])) }

  /// Aligned models whose directions are compared.
  var directions: Int { against == nil || blend == .weights ? 0 : models.count }

  /// The first thing in which another shard's job differs; nil when they are shards of one job.
  func difference(from other: PerplexityJob) -> String? {
    for name in Set(fingerprints.keys).union(other.fingerprints.keys).sorted()
    where fingerprints[name] != other.fingerprints[name] {
      return name
    }
    if context != other.context || chunks != other.chunks { return "--context or --chunks" }
    if blend != other.blend { return "--blend" }
    if (kv, activations) != (other.kv, other.activations) { return "--kv or --activations" }
    return lambdas == other.lambdas && models == other.models ? nil : "list of λ"
  }
}

/// One chunk's scores: a line of a shard's output.
package struct PerplexityLine: Codable {
  var chunk: Int
  var totals: PerplexityTotals

  package init(chunk: Int, totals: PerplexityTotals) {
    self.chunk = chunk
    self.totals = totals
  }
}

/// A shard's output, read back.
package struct PerplexityPart {
  let name: String
  let job: PerplexityJob
  let lines: [PerplexityLine]

  /// Only enough to tell whether the file is a shard.
  private struct Marker: Decodable {
    var kind: String?
    var version: Int?
  }

  /// - Throws: `FileError`, and `StreamError` or `RecordError` naming the line that is not what it must be.
  package init(path: String) throws {
    let name = sourceName(path)
    self.name = name
    let lines = try withText(path) { $0.split(separator: UInt8(ascii: "\n")).map(Array.init) }
    guard let first = lines.first else {
      throw StreamError(description: "\(name) is empty; give what dera perplexity --shard printed")
    }
    let marker = try fromJSON(Marker.self, first, name: "\(name), line 1")
    guard marker.kind == PerplexityJob.kind, marker.version == PerplexityJob.version else {
      throw StreamError(
        description:
          "\(name) is no shard of perplexity of version \(PerplexityJob.version); run the shard's command again "
          + "with this program")
    }
    let job = try fromJSON(PerplexityJob.self, first, name: "\(name), line 1")
    try job.check(at: "\(name), line 1")
    self.job = job
    var known: Set<Int> = []
    self.lines = try lines.dropFirst().enumerated().map { index, bytes in
      let place = "\(name), line \(index + 2)"
      let line = try fromJSON(PerplexityLine.self, bytes, name: place)
      try line.check(job, at: place)
      try RecordCheck(place: place).require(known.insert(line.chunk).inserted, "chunk", "one that no line before has")
      return line
    }
  }

  /// The report of the whole job.
  /// - Throws: `MergeError` when these are not all the shards of one job, each complete.
  package static func merged(_ parts: [PerplexityPart]) throws -> PerplexityReport {
    try Shard.checkComplete(parts.map(\.job.shard))
    let job = parts[0].job
    var chunks: [Int: PerplexityTotals] = [:]
    for part in parts {
      if let what = job.difference(from: part.job) { throw MergeError.different(name: part.name, what: what) }
      for line in part.lines { chunks[line.chunk] = line.totals }
      // Every line is of another chunk of the shard, so that their number tells whether one is missing.
      let missing = part.job.shard.share(of: job.chunks) - part.lines.count
      if missing > 0 { throw MergeError.incomplete(name: part.name, missing: "\(missing) of its chunks are missing") }
    }
    var totals = PerplexityTotals(realignments: job.lambdas.count, models: job.directions)
    for index in 0..<job.chunks { if let part = chunks[index] { totals.append(part) } }
    return PerplexityReport(job, totals)
  }
}
