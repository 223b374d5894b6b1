import DeRaKernels
import Synchronization
import Testing

/// Counts how often each chunk ran.
private struct CountingJob: ParallelJob {
  let counts: UnsafeMutablePointer<Int32>
  let threads: Int
  /// Work that takes longer for some chunks than for others.
  var isUneven = false

  func run(chunk: Int, thread: Int) {
    let work = Atomic<Int>(isUneven ? chunk % 7 * 200 : 0)
    while work.load(ordering: .relaxed) > 0 { work.subtract(1, ordering: .relaxed) }
    counts[chunk] += thread >= 0 && thread < threads ? 1 : 1000
  }
}

@Suite struct ThreadPoolTests {
  private func expectEveryChunkOnce(_ pool: ThreadPool, chunks: Int, isUneven: Bool = false) {
    let counts = Memory([Int32](repeating: 0, count: chunks))
    pool.run(CountingJob(counts: counts.pointer, threads: pool.threads, isUneven: isUneven), chunks: chunks)
    #expect(counts.array.allSatisfy { $0 == 1 })
  }

  @Test(arguments: [-1, 0, 1, 2, 3, 9]) func everyChunkRunsOnce(threads: Int) {
    let pool = ThreadPool(threads: threads)
    #expect(pool.threads == max(threads, 1))
    for chunks in [0, 1, 2, 3, 8, 1000] { expectEveryChunkOnce(pool, chunks: chunks) }
  }

  /// Jobs back to back, so that late threads meet the next job, and with sleeps long enough to park.
  @Test(arguments: [2, 5]) func manyJobs(threads: Int) async throws {
    let pool = ThreadPool(threads: threads)
    for round in 0..<3000 { expectEveryChunkOnce(pool, chunks: 2 + round % 5, isUneven: round % 3 == 0) }
    for _ in 0..<20 {
      try await Task.sleep(for: .milliseconds(2))
      expectEveryChunkOnce(pool, chunks: 16, isUneven: true)
    }
  }

  @Test func callersTakeTurns() async {
    let pool = ThreadPool(threads: 3)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask { for _ in 0..<300 { expectEveryChunkOnce(pool, chunks: 12) } }
      }
    }
  }

  @Test func poolsEndCleanly() {
    for round in 0..<200 {
      let pool = ThreadPool(threads: 1 + round % 4)
      if round % 2 == 0 { expectEveryChunkOnce(pool, chunks: 5) }
    }
  }
}
