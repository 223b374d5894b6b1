/// One of several processes that divide a job: number `index` (from 1) of `count`.
///
/// Item k of the job belongs to shard k mod count + 1, so that every shard gets its share of each part of a text or list.
package struct Shard: Sendable, Equatable, Codable {
  package let index: Int
  package let count: Int

  /// Most processes that a job can be divided among.
  package static let limit = 100_000

  /// The whole job.
  package static let whole = Shard(index: 1, count: 1)

  private init(index: Int, count: Int) {
    self.index = index
    self.count = count
  }

  /// Reads `2/8`, the second of eight; nil when the text is not of that form or the numbers make no sense.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]),
      (1...Self.limit).contains(count), (1...count).contains(index)
    else { return nil }
    self.init(index: index, count: count)
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let shard = Shard(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected a shard such as 2/8")
    }
    self = shard
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  package func includes(_ item: Int) -> Bool { item % count == index - 1 }

  /// How many of a job's items are this shard's.
  package func share(of items: Int) -> Int { items / count + (items % count >= index ? 1 : 0) }
}

extension Shard: CustomStringConvertible {
  package var description: String { "\(index)/\(count)" }
}

/// Why parts do not make up a whole.
package enum MergeError: Error, Equatable, CustomStringConvertible {
  /// `name` differs from the first part's in `what`.
  case different(name: String, what: String)
  case wrongShards(expected: Int, found: [String])
  case incomplete(name: String, missing: String)

  package var description: String {
    switch self {
    case .different(let name, let what):
      "\(name) is not part of the same job as the first: its \(what) differs; give the parts of one job"
    case .wrongShards(let count, let found):
      "the job has \(count) shards but these were given: \(found.joined(separator: ", ")); give each of them once"
    case .incomplete(let name, let missing):
      "\(name) is not complete: \(missing); run that shard's command again, it goes on where it stopped"
    }
  }
}

extension Shard {
  /// - Throws: `MergeError.wrongShards` unless these are all the shards of one job, each once.
  package static func checkComplete(_ shards: [Shard]) throws(MergeError) {
    let count = shards.first?.count ?? 0
    guard count > 0, shards.allSatisfy({ $0.count == count }), shards.map(\.index).sorted() == Array(1..<count + 1)
    else {
      throw .wrongShards(expected: count, found: shards.map(\.description))
    }
  }
}
