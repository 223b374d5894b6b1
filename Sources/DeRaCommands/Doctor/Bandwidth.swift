import DeRaKernels
import DeRaPlatform

/// The rate at which this machine's cores read memory, which bounds how fast a model decodes: every token reads all weights.
package struct Bandwidth: Encodable, Equatable {
  package var threads: Int
  package var bytesPerSecond: Double

  package init(threads: Int, bytesPerSecond: Double) {
    self.threads = threads
    self.bytesPerSecond = bytesPerSecond
  }

  /// Reads a buffer again and again.
  /// - Parameters:
  ///   - byteCount: much more than the caches hold.
  ///   - seconds: how long it is read; the best pass counts, because other programs only slow one down.
  package static func measure(threads: Int, byteCount: Int, seconds: Double) -> Bandwidth {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    defer { buffer.deallocate() }
    // Pages that were never written are all one page of zeros.
    buffer.initializeMemory(as: UInt8.self, repeating: 1)
    let pool = ThreadPool(threads: threads, processors: .current)
    let chunks = threads * 4
    let words = byteCount / MemoryLayout<Word>.size / chunks
    let sums = UnsafeMutablePointer<Word>.allocate(capacity: chunks)
    defer { sums.deallocate() }
    let job = ReadingJob(words: UnsafeRawPointer(buffer.baseAddress!), wordsPerChunk: words, sums: sums)
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    var best = Duration.seconds(3600)
    repeat { best = min(best, clock.measure { pool.run(job, chunks: chunks) }) } while clock.now < end
    let bytes = Double(words * chunks * MemoryLayout<Word>.size)
    return Bandwidth(threads: threads, bytesPerSecond: bytes / (best / .seconds(1)))
  }
}

private typealias Word = SIMD8<UInt64>

/// Sums a stretch of memory. The sums are kept, so that the compiler keeps the reading.
private struct ReadingJob: ParallelJob {
  let words: UnsafeRawPointer
  let wordsPerChunk: Int
  let sums: UnsafeMutablePointer<Word>

  func run(chunk: Int, thread: Int) {
    let first = words.assumingMemoryBound(to: Word.self) + chunk * wordsPerChunk
    // Four sums, so that an addition need not wait for the last.
    var parts = (Word.zero, Word.zero, Word.zero, Word.zero)
    var index = 0
    while index + 4 <= wordsPerChunk {
      parts.0 &+= first[index]
      parts.1 &+= first[index + 1]
      parts.2 &+= first[index + 2]
      parts.3 &+= first[index + 3]
      index += 4
    }
    (sums + chunk).initialize(to: parts.0 &+ parts.1 &+ parts.2 &+ parts.3)
  }
}
