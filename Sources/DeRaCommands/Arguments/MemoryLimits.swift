import ArgumentParser
import DeRa
import DeRaKernels
import DeRaTensorCore
import DeRaText

/// How much memory a session may take.
package struct MemoryLimitArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Refuse, before anything is read, what would take more memory than this (such as 512MB or 2GiB).",
      valueName: "size"))
  package var memoryLimit: ByteSize?

  @Option(
    help: ArgumentHelp(
      "Keep no more than this of the weights in memory and read the other layers again for every token: slow, but runs.",
      valueName: "size"))
  package var residentLimit: ByteSize?

  package init() {}
}

/// The memory that a session would take, and the changes that would make it less.
package struct MemoryForecast {
  package let bundle: ModelBundle
  package var context: Int
  package var codec: CacheCodec
  package var blend: Blend
  /// Whether a second sequence is the session's `reference`.
  package var hasReferencePrompt = false
  /// Most bytes of weights in memory.
  package var residentLimit: Int?
  /// The λ that the session is made for; nil for any.
  package var realignment: Realignment?

  /// Nothing that a session reserves is touched before it runs, so that making one is the exact prediction.
  package func session(_ engine: Engine) throws -> DecodingSession {
    let batch = try DecodingBatch(
      bundle: bundle, count: hasReferencePrompt ? 2 : 1, contextLength: context, engine: engine, cacheCodec: codec,
      blend: blend)
    let session = batch.sessions[0]
    if hasReferencePrompt { session.reference = batch.sessions[1] }
    if let residentLimit { try session.limitResidentWeights(to: residentLimit, for: realignment.map { [$0] }) }
    return session
  }

  /// The session.
  /// - Throws: `MemoryLimitError` when it and the program would take more than `limit`.
  package func session(_ engine: Engine, limit: Int) throws -> DecodingSession {
    let program = ProcessMemory.program(beside: bundle)
    let session = try session(engine)
    guard session.memory.total + program > limit else { return session }
    throw MemoryLimitError(
      memory: session.memory, program: program, limit: limit, remedies: remedies(engine, limit - program))
  }

  /// Options with which it would fit into `room` bytes.
  private func remedies(_ engine: Engine, _ room: Int) -> [String] {
    func fits(_ change: (inout MemoryForecast) -> Void) -> Bool {
      var other = self
      change(&other)
      guard let session = try? other.session(engine) else { return false }
      return session.memory.total <= room
    }
    /// Half as long, again and again.
    func shorter(_ change: (inout MemoryForecast) -> Void) -> Int? {
      sequence(first: context / 2) { $0 / 2 }.prefix { $0 >= 128 }.first { length in
        fits {
          change(&$0)
          $0.context = length
        }
      }
    }
    var list: [String] = []
    if codec != .int8, fits({ $0.codec = .int8 }) { list.append("--kv int8") }
    if blend != .weights, !bundle.alignedModels.isEmpty, fits({ $0.blend = .weights }) {
      list.append("--blend weights (cruder)")
    }
    if let length = shorter({ _ in }) {
      list.append("--context \(length)")
    } else if codec != .int8, let length = shorter({ $0.codec = .int8 }) {
      list.append("--kv int8 --context \(length)")
    }
    if residentLimit == nil, let session = try? session(engine) {
      let left = room - session.memory.kvBytes - session.memory.scratchBytes
      if left > 0, fits({ $0.residentLimit = left }) { list.append("--resident-limit \(left / 1_000_000)MB (slow)") }
    }
    return list
  }
}

/// A session that would take more memory than is allowed.
package struct MemoryLimitError: Error, CustomStringConvertible {
  package var memory: MemoryReport
  package var program: Int
  package var limit: Int
  package var remedies: [String]

  package init(memory: MemoryReport, program: Int, limit: Int, remedies: [String]) {
    self.memory = memory
    self.program = program
    self.limit = limit
    self.remedies = remedies
  }

  package var description: String {
    """
    this would take \(byteText(memory.total + program)), more than --memory-limit \(byteText(limit)): weights \
    \(byteText(memory.residentBytes)), keys and values \(byteText(memory.kvBytes)), buffers \
    \(byteText(memory.scratchBytes)), the program \(byteText(program)). \
    \(remedies.isEmpty ? "" : "It would fit with " + remedies.joined(separator: ", or with ") + ". ")\
    A bundle of fewer bits takes less (dera-quantize --bits 4).
    """
  }
}

extension ProcessMemory {
  /// Bytes of the program itself before it has made a session: all that is resident but the bundle's own pages. 0 where
  /// the system does not tell.
  package static func program(beside bundle: ModelBundle) -> Int {
    guard let process = current() else { return 0 }
    let mapped = bundle.residentRegions().reduce(0) { $0 + ($1.residentBytes ?? 0) }
    return max(0, process.anonymousBytes + process.fileBytes - mapped)
  }
}
