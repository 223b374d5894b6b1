import DeRa

/// The positions that two measurements of one text have at hand together; their blocks need not be of the same length.
package struct SharedPositions {
  package init() {}

  private var one = 0..<0
  private var other = 0..<0

  /// The next positions; empty at the text's end.
  /// - Parameter second: nil where there is but one.
  package mutating func next(_ first: TeacherForcing, _ second: TeacherForcing?) -> Range<Int> {
    if one.isEmpty { one = first.next() }
    guard let second else {
      defer { one = one.upperBound..<one.upperBound }
      return one
    }
    if other.isEmpty { other = second.next() }
    precondition(one.lowerBound == other.lowerBound, "the measurements are not in step")
    let end = min(one.upperBound, other.upperBound)
    defer {
      one = end..<one.upperBound
      other = end..<other.upperBound
    }
    return one.lowerBound..<end
  }
}
