import CDeRaMeasure
import DeRaKernels

/// Memory that is read and nothing else: the limit of everything that reads weights.
public enum StreamingRead {
  /// More than the caches of today's servers hold for one core, so that it is read from memory.
  public static let byteCount = 128 << 20

  /// Bytes that are valid as scales (f16 0.065) and as codes of every codec; kernels take the same time for all values.
  nonisolated(unsafe) public static let bytes: UnsafeRawPointer = {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)
    memory.initializeMemory(as: UInt8.self, repeating: 0x2C, count: byteCount)
    return UnsafeRawPointer(memory)
  }()

  /// Bytes a second that `pool` reads of the first `count` bytes, with or without fetching ahead, whichever is faster.
  public static func rate(_ pool: ThreadPool, count: Int = byteCount) -> Double {
    let results = UnsafeMutablePointer<UInt64>.allocate(capacity: pool.threads)
    results.initialize(repeating: 0, count: pool.threads)
    defer { results.deallocate() }
    let chunks = pool.threads * 8
    let times = [0, 2048].map { prefetch in
      seconds { pool.run(ReadJob(count: count, chunks: chunks, prefetch: prefetch, results: results), chunks: chunks) }
    }
    return Double(count) / (times.min() ?? .infinity)
  }
}

private struct ReadJob: ParallelJob {
  let count: Int
  let chunks: Int
  let prefetch: Int
  let results: UnsafeMutablePointer<UInt64>

  func run(chunk: Int, thread: Int) {
    let lines = count / 128
    let first = lines * chunk / chunks
    let end = lines * (chunk + 1) / chunks
    results[thread] ^= cm_read_all(StreamingRead.bytes + first * 128, (end - first) * 128, prefetch)
  }
}

/// How long `body` takes.
public func seconds(_ body: () throws -> Void) rethrows -> Double {
  let parts = try ContinuousClock().measure(body).components
  return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
}

/// Heap allocations that `body` makes, in all threads.
public func allocations(_ body: () throws -> Void) rethrows -> Int {
  let before = cm_allocations()
  try body()
  return Int(cm_allocations() - before)
}
