import DeRaKernels
import DeRaPlatform
import DeRaTensorCore
import DeRaTransformer

/// Bytes a session occupies when its context is full.
public struct MemoryReport: Sendable, Equatable {
  /// The bundle's file, mapped: shared by all sessions and processes, and the system may drop and reread its pages.
  public var mappedBytes: Int
  /// Most of them that are wanted in memory; all of them unless that is limited.
  public var residentBytes: Int
  /// Keys and values of all models.
  public var kvBytes: Int
  /// Activations, logits and rotation tables.
  public var scratchBytes: Int

  package init(mappedBytes: Int, residentBytes: Int? = nil, kvBytes: Int, scratchBytes: Int) {
    self.mappedBytes = mappedBytes
    self.residentBytes = residentBytes ?? mappedBytes
    self.kvBytes = kvBytes
    self.scratchBytes = scratchBytes
  }

  /// Bytes in memory when everything is in use.
  public var total: Int { residentBytes + kvBytes + scratchBytes }
}

extension DecodingSession {
  /// The engine that computes: its instruction set and threads.
  package var engine: Engine { workspace.state.engine }

  /// How keys and values are held.
  package var cacheCodec: CacheCodec { caches[0].codec }

  /// Bytes of its own keys and values when its context is full.
  fileprivate var kvBytes: Int { caches.reduce(0) { $0 + $1.byteCount } }

  /// The memory of this session, its `reference` included; KV memory becomes resident as the context fills.
  package var memory: MemoryReport {
    MemoryReport(
      mappedBytes: bundle.mappedBytes,
      residentBytes: workspace.state.streaming.map { min($0.limit, bundle.mappedBytes) },
      kvBytes: kvBytes + (reference?.kvBytes ?? 0),
      scratchBytes: workspace.state.byteCount)
  }
}

extension DecodingBatch {
  /// The memory of all its sequences.
  package var memory: MemoryReport {
    var report = sessions[0].memory
    report.kvBytes = sessions.reduce(0) { $0 + $1.kvBytes }
    return report
  }
}

extension DecodingSession {
  /// Keeps at most so many bytes of the weights in memory and streams the others from the file, layer by layer and again
  /// for every pass. The sessions of a `DecodingBatch` have it in common.
  ///
  /// Only the weights of models that λ needs count. A later λ that needs others makes another plan for them; its step
  /// throws where there is too little room.
  /// - Parameter realignments: the λ that will be used; nil makes room for all models.
  /// - Throws: `SessionError.outOfMemory` when that is too little for two layers.
  package func limitResidentWeights(to bytes: Int, for realignments: [Realignment]? = nil) throws(SessionError) {
    let all = Set(bundle.decoder.models.indices)
    let models = realignments.map { $0.reduce(into: []) { $0.formUnion($1.modelsRead(blend)) } } ?? all
    try workspace.stream(models, limit: bytes)
  }
}

/// The system's counts for this process, in bytes; from Linux's /proc/self/status.
package struct ProcessMemory: Sendable, Equatable {
  /// Most bytes that were resident at once, files included (VmHWM).
  package var peakBytes: Int
  /// Resident memory of the process's own (RssAnon).
  package var anonymousBytes: Int
  /// Resident pages of mapped files (RssFile).
  package var fileBytes: Int

  /// nil where there is no /proc.
  package static func current() -> ProcessMemory? { ProcessMemory(status: readStatus()) }

  /// Reads the text of /proc/self/status.
  package init?(status: String) {
    func bytes(_ name: String) -> Int? {
      let line = status.split(separator: "\n").first { $0.hasPrefix("\(name):") }
      let kilobytes = line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first
      return kilobytes.flatMap { Int($0) }.map { $0 * 1024 }
    }
    guard let peak = bytes("VmHWM"), let anonymous = bytes("RssAnon"), let file = bytes("RssFile") else { return nil }
    (peakBytes, anonymousBytes, fileBytes) = (peak, anonymous, file)
  }

  private static func readStatus() -> String {
    let descriptor = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    let count = read(descriptor, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
  }
}
