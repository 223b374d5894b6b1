import DeRaKernels
import DeRaText

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
  /// - Throws: `InstructionSetError`.
  package static func measure(threads: Int, byteCount: Int, seconds: Double) throws -> Bandwidth {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    defer { buffer.deallocate() }
    // Pages that were never written are all one page of zeros.
    buffer.initializeMemory(as: UInt8.self, repeating: 1)
    let engine = try Engine(pool: ThreadPool(threads: threads, processors: .current))
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    var best = Duration.seconds(3600)
    repeat { best = min(best, clock.measure { engine.read(UnsafeRawBufferPointer(buffer)) }) } while clock.now < end
    return Bandwidth(threads: threads, bytesPerSecond: Double(byteCount) / Double(seconds: best))
  }
}
