internal import CDeRaKernels

extension Engine {
  /// Reads memory with all threads and drops it: the time this takes is the least in which a product can read a matrix.
  package func read(_ bytes: UnsafeRawBufferPointer) {
    let count = pool.threads == 1 ? 1 : pool.threads * 8
    pool.run(ReadJob(bytes: bytes, chunks: count), chunks: count)
  }
}

private struct ReadJob: ParallelJob {
  let bytes: UnsafeRawBufferPointer
  let chunks: Int

  func run(chunk: Int, thread: Int) {
    let part = bytes[(bytes.count * chunk / chunks)..<(bytes.count * (chunk + 1) / chunks)]
    guard let address = UnsafeRawBufferPointer(rebasing: part).baseAddress else { return }
    _ = ck_read(address.assumingMemoryBound(to: UInt8.self), part.count)
  }
}
