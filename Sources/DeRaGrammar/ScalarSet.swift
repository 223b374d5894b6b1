/// Sets of Unicode scalars as ascending ranges that do not touch. Surrogates may be in them; they are never spelled.
enum ScalarSet {
  typealias Ranges = [ClosedRange<UInt32>]

  static let all: Ranges = [0...0x10ffff]

  static func union(_ ranges: Ranges) -> Ranges {
    var result: Ranges = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last, range.lowerBound <= last.upperBound + 1 {
        result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
    }
    return result
  }

  /// - Parameter ranges: ascending and not touching.
  static func complement(_ ranges: Ranges) -> Ranges {
    var result: Ranges = []
    var next: UInt32 = 0
    for range in ranges {
      if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
      next = range.upperBound + 1
    }
    if next <= 0x10ffff { result.append(next...0x10ffff) }
    return result
  }

  static func subtract(_ taken: Ranges, from ranges: Ranges) -> Ranges {
    complement(union(complement(ranges) + taken))
  }

  static func contains(_ scalar: UInt32, _ ranges: Ranges) -> Bool { ranges.contains { $0.contains(scalar) } }

  /// The ranges of bytes, one after another, that spell the scalars of a range in UTF-8.
  ///
  /// Scalars of one length are cut until all but the first byte that varies run through every continuation byte.
  static func byteRanges(_ range: ClosedRange<UInt32>) -> [[ClosedRange<UInt8>]] {
    var result: [[ClosedRange<UInt8>]] = []
    for part: ClosedRange<UInt32> in [0...0x7f, 0x80...0x7ff, 0x800...0xd7ff, 0xe000...0xffff, 0x10000...0x10ffff]
    where range.overlaps(part) { cut(range.clamped(to: part), into: &result) }
    return result
  }

  private static func cut(_ range: ClosedRange<UInt32>, into result: inout [[ClosedRange<UInt8>]]) {
    let low = utf8(range.lowerBound)
    let high = utf8(range.upperBound)
    for tail in stride(from: low.count - 1, through: 1, by: -1) {
      // The last `tail` bytes carry 6 bits each.
      let mask: UInt32 = 1 << UInt32(6 * tail) - 1
      guard range.lowerBound & ~mask != range.upperBound & ~mask else { continue }
      if range.lowerBound & mask != 0 {
        cut(range.lowerBound...(range.lowerBound | mask), into: &result)
        return cut(((range.lowerBound | mask) + 1)...range.upperBound, into: &result)
      }
      if range.upperBound & mask != mask {
        cut(range.lowerBound...((range.upperBound & ~mask) - 1), into: &result)
        return cut((range.upperBound & ~mask)...range.upperBound, into: &result)
      }
    }
    result.append(zip(low, high).map { $0...$1 })
  }

  static func utf8(_ scalar: UInt32) -> [UInt8] {
    Unicode.Scalar(scalar).map { Array(String(Character($0)).utf8) } ?? []
  }
}
