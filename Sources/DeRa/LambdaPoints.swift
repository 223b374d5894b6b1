extension Realignment {
  /// Most points of one list.
  package static let pointLimit = 10_000

  /// Reads points separated by semicolons: `0;0.5;1`, `0.5,0.3;1,0`, `brief=0.5,happy=0.3;brief=1`. One λ of a point may
  /// be a range from:to:step, which stands for a point for each of its values: `0:3:0.5`, `brief=0:1:0.25,happy=0.5`.
  /// - Parameters:
  ///   - models: names of the aligned models, in the bundle's order.
  ///   - hasReferencePrompt: as for `parse`.
  package static func parsePoints(
    _ text: String, models: [String], hasReferencePrompt: Bool = false
  ) throws(RealignmentError) -> [Realignment] {
    var points: [Realignment] = []
    for part in text.split(separator: ";", omittingEmptySubsequences: false) {
      for point in try expanded(String(part)) {
        points.append(try parse(point, models: models, hasReferencePrompt: hasReferencePrompt))
      }
      guard points.count <= pointLimit else { throw .tooManyPoints(limit: pointLimit) }
    }
    return points
  }

  /// The texts of the points that one with a range stands for; the text itself when it has none.
  private static func expanded(_ point: String) throws(RealignmentError) -> [String] {
    var parts = point.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let ranges = parts.indices.filter { parts[$0].contains(":") }
    guard let index = ranges.first else { return [point] }
    guard ranges.count == 1 else { throw .severalRanges(point) }
    let range = parts[index]
    let start = range.lastIndex(of: "=").map { range.index(after: $0) } ?? range.startIndex
    var texts: [String] = []
    for value in try values(range[start...]) {
      parts[index] = range[..<start] + "\(value)"
      texts.append(parts.joined(separator: ","))
    }
    return texts
  }

  /// The ranges of a text that `parsePoints` takes whose end no step meets, each with its last value.
  package static func openRanges(_ text: String) -> [(range: String, last: Float)] {
    text.split { ";,".contains($0) }.compactMap { part in
      let range = part.lastIndex(of: "=").map { part[part.index(after: $0)...] } ?? part
      guard range.contains(":"), let last = try? values(range).last else { return nil }
      let end = range.split(separator: ":").dropFirst().first.flatMap { Float($0) }
      return end == last ? nil : (String(range), last)
    }
  }

  /// The numbers of `from:to:step`, the end included where a step meets it.
  private static func values(_ range: Substring) throws(RealignmentError) -> [Float] {
    let numbers = range.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) ?? .nan }
    guard numbers.count == 3, numbers.allSatisfy(\.isFinite), numbers[2] != 0 else { throw .badRange(String(range)) }
    let steps = (numbers[1] - numbers[0]) / numbers[2]
    // A hair more than the last step, since 0.1 has no exact binary form.
    let count = (steps + 1e-6).rounded(.down)
    guard count >= 0 else { throw .badRange(String(range)) }
    guard count < Double(pointLimit) else { throw .tooManyPoints(limit: pointLimit) }
    return (0...Int(count)).map { Float(numbers[0] + Double($0) * numbers[2]) }
  }
}

extension Array where Element == Realignment {
  /// The points without those that were there before, and these.
  package var folded: (points: [Realignment], repeated: [Realignment]) {
    var seen: Set<Realignment> = []
    var (points, repeated): ([Realignment], [Realignment]) = ([], [])
    for point in self {
      if seen.insert(point).inserted { points.append(point) } else { repeated.append(point) }
    }
    return (points, repeated)
  }
}
