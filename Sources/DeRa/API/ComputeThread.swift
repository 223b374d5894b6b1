import DeRaKernels
import DeRaPlatform

/// A thread of its own for an actor that computes for long: it does not hold up Swift's cooperative threads, and stays on
/// the core that the pool's first thread should have.
final class ComputeThread: SerialExecutor {
  /// Jobs that wait, each with what keeps its executor alive until it has run. Guarded by `lock`.
  private final class Queue: @unchecked Sendable {
    private let lock = Lock()
    private let changed = Condition()
    private var jobs: [(job: UnownedJob, executor: ComputeThread)] = []
    private var isStopped = false

    func push(_ job: UnownedJob, _ executor: ComputeThread) {
      lock.lock()
      jobs.append((job, executor))
      lock.unlock()
      changed.wakeAll()
    }

    func stop() {
      lock.lock()
      isStopped = true
      lock.unlock()
      changed.wakeAll()
    }

    /// The next job; nil once stopped.
    func pop() -> (job: UnownedJob, executor: ComputeThread)? {
      lock.lock()
      defer { lock.unlock() }
      while jobs.isEmpty {
        if isStopped { return nil }
        changed.wait(lock)
      }
      return jobs.removeFirst()
    }
  }

  private let queue = Queue()

  /// - Parameter pool: its place for the thread that starts jobs is where this one runs.
  /// - Throws: `DeRaError.outOfMemory` when the system refuses the thread.
  init(pool: ThreadPool) throws(DeRaError) {
    let start = Unmanaged.passRetained(Start(queue: queue, pool: pool))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, start.toOpaque())
    guard code == 0 else {
      start.release()
      throw .outOfMemory(reason: "the system refuses another thread (error \(code))")
    }
    pthread_detach(thread)
  }

  deinit { queue.stop() }

  func enqueue(_ job: consuming ExecutorJob) { queue.push(UnownedJob(job), self) }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

  /// The thread's own hold on what it needs.
  private final class Start: Sendable {
    private let queue: Queue
    private let pool: ThreadPool

    init(queue: Queue, pool: ThreadPool) {
      self.queue = queue
      self.pool = pool
    }

    func run() {
      pool.placeCaller()
      while let next = queue.pop() { next.job.runSynchronously(on: next.executor.asUnownedSerialExecutor()) }
    }
  }
}
