/// The parts of a text in which the names of special tokens are text: ascending ranges of bytes.
struct ContentRanges {
  private var ranges: [Range<Int>]

  init(_ ranges: [Range<Int>] = []) { self.ranges = ranges.filter { !$0.isEmpty } }

  var isEmpty: Bool { ranges.isEmpty }

  enum Relation { case outside, touching, inside }

  /// How a stretch of the text lies to the ranges.
  func relation(of range: Range<Int>) -> Relation {
    let index = firstIndex(endingAfter: range.lowerBound)
    guard index < ranges.count, ranges[index].overlaps(range) else { return .outside }
    return ranges[index].lowerBound <= range.lowerBound && range.upperBound <= ranges[index].upperBound
      ? .inside : .touching
  }

  /// Neighbouring stretches that make up `range`, each wholly inside or outside of the ranges.
  func runs(in range: Range<Int>) -> [(range: Range<Int>, isContent: Bool)] {
    var runs: [(range: Range<Int>, isContent: Bool)] = []
    var covered = range.lowerBound
    for content in ranges[firstIndex(endingAfter: range.lowerBound)...] {
      guard content.lowerBound < range.upperBound else { break }
      let part = content.clamped(to: range)
      if covered < part.lowerBound { runs.append((covered..<part.lowerBound, false)) }
      runs.append((part, true))
      covered = part.upperBound
    }
    if covered < range.upperBound { runs.append((covered..<range.upperBound, false)) }
    return runs
  }

  private func firstIndex(endingAfter position: Int) -> Int {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound <= position { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
