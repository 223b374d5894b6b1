import DeRaKernels
import DeRaPlatform
import DeRaTensorCore

/// Decoding with only part of the mapped weights in memory.
///
/// As many layers as fit are kept; the others, spread evenly, are streamed: while one is used the system is asked to read
/// the next, and afterwards it is given back. What is given back stays in the system's file cache as long as there is
/// room, and is the first to go when there is not.
package final class WeightStreaming {
  /// The layers in order of use, the output matrix last.
  private let units: UnsafeMutableBufferPointer<Unit>
  /// Stretches of memory, unit after unit.
  private let stretches: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>

  private struct Unit {
    var stretches: Range<Int>
    var isKept: Bool
    /// The streamed unit that is used after this one.
    var next: Int
  }

  /// Most bytes of weights that are wanted in memory.
  package let limit: Int
  /// Bytes of the weights that are kept; the others are read again for every pass.
  package let keptBytes: Int
  package let streamedBytes: Int
  /// The models whose weights these are, ascending; those of others are read as they are needed.
  package let models: [Int]

  /// - Parameter numbers: of the models that will run; all if nil.
  /// - Throws: `TensorError` when the limit leaves no room for two of the largest layers.
  package init(_ decoder: Decoder, models numbers: [Int]? = nil, limit: Int) throws(TensorError) {
    models = numbers ?? Array(decoder.models.indices)
    let running = models.map { decoder.models[$0] }
    let layers = (0..<decoder.configuration.layers).map { layer in
      Self.stretches(
        running.flatMap { model in
          LayerWeights.Matrices.all.map { model.layers[layer].matrices[keyPath: $0] }
        })
    }
    let outputs = Self.stretches(running.map(\.output))
    // Of an embedding that is no output matrix few rows are read, but in time all of them.
    let embeddings = Self.stretches(running.map(\.embedding))
    let isTied = embeddings.map(\.baseAddress) == outputs.map(\.baseAddress)
    let all = layers + [outputs]
    let sizes = all.map { $0.reduce(0) { $0 + $1.count } }
    let others = isTied ? 0 : embeddings.reduce(0) { $0 + $1.count }
    guard let kept = Self.kept(sizes, limit: limit - others) else {
      throw .overflow(
        "\(ByteSize.text(limit)) are too few to stream these layers; at least "
          + "\(ByteSize.text(others + Self.leastBytes(sizes))) are needed")
    }
    self.limit = limit
    streamedBytes = zip(sizes, kept).reduce(0) { $0 + ($1.1 ? 0 : $1.0) }
    keptBytes = others + sizes.reduce(0, +) - streamedBytes
    units = .allocate(capacity: all.count)
    stretches = .allocate(capacity: all.reduce(0) { $0 + $1.count })
    _ = stretches.initialize(from: all.joined())
    var start = 0
    for index in all.indices {
      let following = (1...all.count).map { (index + $0) % all.count }
      units.initializeElement(
        at: index,
        to: Unit(
          stretches: start..<start + all[index].count, isKept: kept[index],
          next: following.first { !kept[$0] } ?? index))
      start += all[index].count
    }
  }

  deinit {
    units.deallocate()
    stretches.deallocate()
  }

  /// Which units are kept, so that they and the two largest of the others fit: as few as possible are streamed, the last
  /// one only if all are.
  /// - Returns: nil when not even all of them streamed do.
  package static func kept(_ sizes: [Int], limit: Int) -> [Bool]? {
    let layers = sizes.count - 1
    let spread = (0...layers).map { count in
      (0..<layers).map { ($0 + 1) * count / layers == $0 * count / layers } + [true]
    }
    return (spread + [sizes.map { _ in false }]).first { kept in
      let streamed = zip(sizes, kept).filter { !$0.1 }.map(\.0)
      return sizes.reduce(0, +) - streamed.reduce(0, +) + leastBytes(streamed) <= limit
    }
  }

  private static func leastBytes(_ sizes: [Int]) -> Int { sizes.sorted().suffix(2).reduce(0, +) }

  /// Where the matrices lie, neighbours joined.
  private static func stretches(_ linears: [Linear]) -> [UnsafeRawBufferPointer] {
    let matrices = linears.flatMap { linear in
      [linear.matrix] + linear.changes.flatMap { [$0.matrix] + ($0.a.map { [$0] } ?? []) }
    }
    var joined: [UnsafeRawBufferPointer] = []
    for matrix in matrices.sorted(by: { $0.bytes < $1.bytes }) {
      let end = matrix.bytes + matrix.layout.byteCount
      guard let last = joined.last, let start = last.baseAddress, matrix.bytes <= start + last.count + gap else {
        joined.append(UnsafeRawBufferPointer(start: matrix.bytes, count: matrix.layout.byteCount))
        continue
      }
      let count = max(end - start, last.count)
      joined[joined.count - 1] = UnsafeRawBufferPointer(start: start, count: count)
    }
    return joined
  }

  /// Norms and padding lie between matrices.
  private static let gap = 1 << 17

  /// A unit is about to be used.
  func enter(_ unit: Int) {
    if units[unit].isKept { return }
    advise(units[units[unit].next].stretches, MADV_WILLNEED, outwards: true, step: Self.readAhead)
  }

  /// A unit has been used.
  func leave(_ unit: Int) {
    if units[unit].isKept { return }
    advise(units[unit].stretches, Self.cold, outwards: false)
    advise(units[unit].stretches, MADV_DONTNEED, outwards: false)
  }

  /// MADV_COLD, which not every C library names: the pages are the first to be reclaimed.
  private static let cold = Int32(20)
  private static let page = Int(sysconf(Int32(_SC_PAGESIZE)))
  /// Most bytes of one request to read ahead: Linux reads no more at a time than the device takes at once.
  private static let readAhead = 1 << 17

  /// - Parameters:
  ///   - outwards: whether pages that are only partly meant are.
  ///   - step: most bytes that one call names.
  private func advise(_ range: Range<Int>, _ advice: Int32, outwards: Bool, step: Int = .max) {
    for index in range {
      guard let base = stretches[index].baseAddress else { continue }
      let start = Int(bitPattern: base)
      let end = start + stretches[index].count
      let first = outwards ? start / Self.page * Self.page : start.roundedUp(toMultipleOf: Self.page)
      let last = outwards ? end.roundedUp(toMultipleOf: Self.page) : end / Self.page * Self.page
      var address = first
      while address < last {
        let count = min(step, last - address)
        madvise(UnsafeMutableRawPointer(bitPattern: address), count, advice)
        address += count
      }
    }
  }
}
