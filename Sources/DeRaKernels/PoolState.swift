internal import CDeRaKernels
import DeRaPlatform
import Synchronization

/// The state that the threads of a pool share.
///
/// Every thread has a share of a job's chunks, consecutive ones so that it reads memory in one stream, and takes from the
/// others' shares when its own is used up. Fewer chunks than threads go to the first threads, and the others sleep on.
/// Whoever takes a chunk owns it, and because the caller does not leave `run` before every chunk is finished, the job's
/// description stays valid for as long as one is owned.
final class PoolState: @unchecked Sendable {
  private let threads: Int
  /// `[threads]`, each on cache lines of its own.
  private let memory: UnsafeMutableRawPointer
  private static let shareBytes = 128

  private let finished = Atomic<Int>(0)
  private let callerSleeps = Atomic<Bool>(false)
  private let stopping = Atomic<Bool>(false)

  /// Held by the caller whose job runs.
  private let turn = Lock()
  /// Guards going to sleep: of workers for their share's `wake`, of the caller for `done`.
  private let sleep = Lock()
  private let done = Condition()

  init(threads: Int) {
    self.threads = threads
    memory = .allocate(byteCount: threads * Self.shareBytes, alignment: Self.shareBytes)
    for thread in 0..<threads {
      (memory + thread * Self.shareBytes).bindMemory(to: Share.self, capacity: 1).initialize(to: Share())
    }
  }

  deinit {
    for thread in 0..<threads { share(thread).deinitialize(count: 1) }
    memory.deallocate()
  }

  private func share(_ thread: Int) -> UnsafeMutablePointer<Share> {
    (memory + thread * Self.shareBytes).assumingMemoryBound(to: Share.self)
  }

  /// The caller's part of a job: publishes it, helps, and waits until every chunk is finished.
  func run(_ job: any ParallelJob.Type, at address: UnsafeRawPointer, chunks: Int) {
    turn.lock()
    finished.store(0, ordering: .relaxed)
    let active = min(threads, chunks)
    for thread in (0..<active).reversed() {
      let range = (chunks * thread / active)..<(chunks * (thread + 1) / active)
      share(thread).pointee.publish(job, at: address, chunks: range)
    }
    wake(1..<active)
    runShares(from: 0)
    waitUntilFinished(chunks)
    turn.unlock()
  }

  /// Wakes those of some workers that sleep.
  private func wake(_ workers: Range<Int>) {
    var haveSettled = false
    for thread in workers where share(thread).pointee.sleeps.load(ordering: .sequentiallyConsistent) {
      if !haveSettled {
        // Whoever says that it sleeps now waits, and is not held up by the lock when woken.
        sleep.lock()
        sleep.unlock()
        haveSettled = true
      }
      share(thread).pointee.wake.wakeAll()
    }
  }

  /// A worker's life: chunks while there are any, then spinning, then sleep.
  func work(thread: Int) {
    var idle = Spinning()
    while !stopping.load(ordering: .relaxed) {
      if share(thread).pointee.hasChunks {
        runShares(from: thread)
        idle = Spinning()
      } else if !idle.goesOn(for: Spinning.worker) {
        waitForWork(thread)
        idle = Spinning()
      }
    }
  }

  func stop() {
    sleep.lock()
    stopping.store(true, ordering: .relaxed)
    sleep.unlock()
    for thread in 1..<max(threads, 1) { share(thread).pointee.wake.wakeAll() }
  }

  /// Does the chunks of a thread's own share, then what the other shares have left.
  private func runShares(from thread: Int) {
    var count = 0
    for index in 0..<threads {
      let share = share((thread + index) % threads)
      while let chunk = share.pointee.take() {
        share.pointee.run(chunk: chunk, thread: thread)
        count += 1
      }
    }
    guard count > 0 else { return }
    finished.add(count, ordering: .sequentiallyConsistent)
    if callerSleeps.load(ordering: .sequentiallyConsistent) {
      sleep.lock()
      sleep.unlock()
      done.wakeAll()
    }
  }

  private func waitForWork(_ thread: Int) {
    sleep.lock()
    // An exchange, because QEMU may let a store pass the load below, which hardware does not: nobody would wake us.
    _ = share(thread).pointee.sleeps.exchange(true, ordering: .sequentiallyConsistent)
    while !share(thread).pointee.hasChunks && !stopping.load(ordering: .relaxed) {
      share(thread).pointee.wake.wait(sleep)
    }
    share(thread).pointee.sleeps.store(false, ordering: .relaxed)
    sleep.unlock()
  }

  private func waitUntilFinished(_ chunks: Int) {
    var idle = Spinning()
    while finished.load(ordering: .acquiring) != chunks {
      if idle.goesOn(for: Spinning.caller) { continue }
      sleep.lock()
      // An exchange for the same reason.
      _ = callerSleeps.exchange(true, ordering: .sequentiallyConsistent)
      while finished.load(ordering: .sequentiallyConsistent) != chunks { done.wait(sleep) }
      callerSleeps.store(false, ordering: .relaxed)
      sleep.unlock()
    }
  }
}

/// One thread's share of a job.
private struct Share: ~Copyable {
  /// The next chunk in the low half, the end of the share in the high half: both change at once, so that nobody takes a
  /// chunk of one job for one of the next.
  private let chunks = Atomic<UInt64>(0)
  /// Whether its thread waits for `wake`, or is about to.
  let sleeps = Atomic<Bool>(false)
  let wake = Condition()
  // Written before `chunks`, read after a chunk is taken.
  private var job: (any ParallelJob.Type)?
  private var address: UnsafeRawPointer?

  mutating func publish(_ job: any ParallelJob.Type, at address: UnsafeRawPointer, chunks range: Range<Int>) {
    self.job = job
    self.address = address
    chunks.store(UInt64(range.upperBound) << 32 | UInt64(range.lowerBound), ordering: .sequentiallyConsistent)
  }

  var hasChunks: Bool { Self.isOpen(chunks.load(ordering: .sequentiallyConsistent)) }

  /// The chunk that now belongs to the calling thread; nil when none is left.
  func take() -> Int? {
    guard Self.isOpen(chunks.load(ordering: .relaxed)) else { return nil }
    let taken = chunks.add(1, ordering: .acquiring).oldValue
    return Self.isOpen(taken) ? Int(taken & 0xffff_ffff) : nil
  }

  /// Only for who has taken the chunk.
  func run(chunk: Int, thread: Int) {
    guard let job, let address else { return }
    job.run(at: address, chunk: chunk, thread: thread)
  }

  private static func isOpen(_ chunks: UInt64) -> Bool { chunks & 0xffff_ffff < chunks >> 32 }
}

/// Waiting in a loop for a limited time.
private struct Spinning {
  /// Longer than the serial work between two jobs of a step, and between two steps.
  static let worker = 200_000
  /// About what sleeping and waking takes: a worker that takes longer has probably lost its core.
  static let caller = 30_000

  private var rounds = 0
  private var start = 0

  /// Lets some nanoseconds pass; false when `limit` nanoseconds have gone by.
  mutating func goesOn(for limit: Int) -> Bool {
    ck_pause()
    rounds += 1
    // Reading the clock takes as long as a few pauses.
    guard rounds % 32 == 0 else { return true }
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let now = time.tv_sec * 1_000_000_000 + time.tv_nsec
    if start == 0 { start = now }
    return now - start < limit
  }
}
