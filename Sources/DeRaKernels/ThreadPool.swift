import DeRaPlatform

/// Work cut into chunks that may run in any order, on any thread.
///
/// A struct of pointers and numbers: the pool hands threads its address, so running one allocates and retains nothing.
package protocol ParallelJob {
  /// Does chunk `chunk`; `thread` (below `ThreadPool.threads`) selects a thread's own scratch memory.
  func run(chunk: Int, thread: Int)
}

extension ParallelJob {
  static func run(at address: UnsafeRawPointer, chunk: Int, thread: Int) {
    address.assumingMemoryBound(to: Self.self).pointee.run(chunk: chunk, thread: thread)
  }
}

/// The calling thread and `threads − 1` more that share out the chunks of a job.
///
/// Between jobs the threads spin for some microseconds, then sleep. The caller waits for chunks, never for threads, so
/// a thread that the machine has no core for delays nobody unless it holds a chunk.
package final class ThreadPool: Sendable {
  package let threads: Int
  private let state: PoolState
  private let workers: [pthread_t]
  private let processors: Processors?

  /// - Parameters:
  ///   - threads: at least 1, the caller included. Where the system refuses a thread the pool has fewer.
  ///   - processors: where the pool's own threads run; nil leaves that to the system.
  package init(threads: Int, processors: Processors? = nil) {
    let state = PoolState(threads: max(threads, 1))
    let places = processors?.places(threads: threads)
    var workers: [pthread_t] = []
    for index in 1..<max(threads, 1) {
      let start = Unmanaged.passRetained(WorkerStart(state: state, thread: index, place: places?[index]))
      var worker = pthread_t()
      let code = pthread_create(
        &worker, nil,
        { argument in
          guard let argument else { return nil }
          let start = Unmanaged<WorkerStart>.fromOpaque(argument).takeRetainedValue()
          if let place = start.place { Processors.confine(to: place) }
          start.state.work(thread: start.thread)
          return nil
        }, start.toOpaque())
      guard code == 0 else {
        start.release()
        break
      }
      workers.append(worker)
    }
    self.state = state
    self.workers = workers
    self.processors = processors
    self.threads = workers.count + 1
  }

  /// Confines the calling thread, and threads it starts, to where the pool's first thread should run. For programs whose
  /// main thread does nothing but run jobs; without it the caller runs wherever the system puts it.
  package func placeCaller() {
    guard let processors else { return }
    Processors.confine(to: processors.places(threads: threads)?.first ?? processors.allowed)
  }

  deinit {
    state.stop()
    for worker in workers { pthread_join(worker, nil) }
  }

  /// Runs chunks `0 ..< chunks` of the job and returns when all are done. Callers on several threads take turns; a
  /// chunk must not run a job itself.
  package func run<Job: ParallelJob>(_ job: Job, chunks: Int) {
    withUnsafePointer(to: job) { address in
      if threads == 1 || chunks <= 1 {
        for chunk in 0..<max(chunks, 0) { address.pointee.run(chunk: chunk, thread: 0) }
      } else {
        state.run(Job.self, at: address, chunks: chunks)
      }
    }
  }
}

private final class WorkerStart {
  let state: PoolState
  let thread: Int
  let place: [Int]?

  init(state: PoolState, thread: Int, place: [Int]?) {
    self.state = state
    self.thread = thread
    self.place = place
  }
}
