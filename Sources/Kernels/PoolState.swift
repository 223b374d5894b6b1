internal import CKernels
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What the threads of a pool share.
///
/// `pending` counts the chunks nobody has claimed. Whoever lowers it owns a chunk, and because the caller does not
/// leave `run` before every chunk is finished, the job's description stays valid for as long as one is owned.
final class PoolState: @unchecked Sendable {
  /// Checks between two sleeps: some tens of microseconds, longer than the serial work between two jobs of a step.
  private static let spins = 2000

  private let pending = Atomic<Int>(0)
  private let finished = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let callerSleeps = Atomic<Bool>(false)
  private let stopping = Atomic<Bool>(false)

  // Written before `pending` is raised, read after a chunk is claimed.
  private var job: (any ParallelJob.Type)?
  private var address: UnsafeRawPointer?
  private var chunks = 0

  /// Held by the caller whose job runs.
  private let turn = Lock()
  /// Guards going to sleep: of workers for `work`, of the caller for `done`.
  private let sleep = Lock()
  private let work = Condition()
  private let done = Condition()

  /// The caller's part of a job: publishes it, helps, and waits until every chunk is finished.
  func run(_ job: any ParallelJob.Type, at address: UnsafeRawPointer, chunks: Int) {
    turn.lock()
    self.job = job
    self.address = address
    self.chunks = chunks
    finished.store(0, ordering: .relaxed)
    pending.store(chunks, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
      sleep.lock()
      work.wakeAll()
      sleep.unlock()
    }
    while runOneChunk(thread: 0) {}
    waitUntilFinished()
    turn.unlock()
  }

  /// A worker's life: chunks while there are any, then spinning, then sleep.
  func work(thread: Int) {
    while !stopping.load(ordering: .relaxed) {
      var spins = 0
      while spins < Self.spins {
        if runOneChunk(thread: thread) { spins = 0 }
        ck_pause()
        spins += 1
      }
      sleep.lock()
      sleepers.add(1, ordering: .sequentiallyConsistent)
      while pending.load(ordering: .sequentiallyConsistent) == 0 && !stopping.load(ordering: .relaxed) {
        work.wait(sleep)
      }
      sleepers.subtract(1, ordering: .relaxed)
      sleep.unlock()
    }
  }

  func stop() {
    sleep.lock()
    stopping.store(true, ordering: .relaxed)
    work.wakeAll()
    sleep.unlock()
  }

  /// Claims a chunk and does it; false when none is left.
  private func runOneChunk(thread: Int) -> Bool {
    var left = pending.load(ordering: .relaxed)
    while left > 0 {
      let (claimed, current) = pending.weakCompareExchange(
        expected: left, desired: left - 1, successOrdering: .acquiring, failureOrdering: .relaxed)
      if claimed { break }
      left = current
    }
    guard left > 0, let job, let address else { return false }
    let chunks = self.chunks
    job.run(at: address, chunk: chunks - left, thread: thread)
    let count = finished.add(1, ordering: .sequentiallyConsistent).newValue
    if count == chunks, callerSleeps.load(ordering: .sequentiallyConsistent) {
      sleep.lock()
      done.wakeAll()
      sleep.unlock()
    }
    return true
  }

  private func waitUntilFinished() {
    for _ in 0..<Self.spins {
      if finished.load(ordering: .acquiring) == chunks { return }
      ck_pause()
    }
    sleep.lock()
    callerSleeps.store(true, ordering: .sequentiallyConsistent)
    while finished.load(ordering: .sequentiallyConsistent) != chunks { done.wait(sleep) }
    callerSleeps.store(false, ordering: .relaxed)
    sleep.unlock()
  }
}

/// A POSIX mutex at a fixed address.
private final class Lock {
  fileprivate let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  init() {
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func lock() { pthread_mutex_lock(mutex) }
  func unlock() { pthread_mutex_unlock(mutex) }
}

/// A POSIX condition variable at a fixed address.
private final class Condition {
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    condition.initialize(to: pthread_cond_t())
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    condition.deallocate()
  }

  func wait(_ lock: Lock) { pthread_cond_wait(condition, lock.mutex) }
  func wakeAll() { pthread_cond_broadcast(condition) }
}
