/// Places of the labels of points, so that none covers another or a mark.
struct LabelPlacement {
  struct Label {
    let text: String
    let x: Double
    let y: Double
    let anchor: SVG.Anchor
  }

  /// A rectangle in pixels.
  private struct Box {
    var left: Double
    var right: Double
    var top: Double
    var bottom: Double

    func meets(_ other: Box) -> Bool {
      left < other.right && other.left < right && top < other.bottom && other.top < bottom
    }
  }

  private static let height = 15.0
  /// A mark's radius and some air.
  private static let markRadius = 5.0
  /// Lines that a label may be moved away from its point.
  private static let farthest = 5

  private(set) var placed: [Label] = []
  private let frame: Chart.Frame
  private var taken: [Box] = []

  init(_ frame: Chart.Frame) { self.frame = frame }

  /// Places the labels of a series. Beside their points: above where the curve falls, below where it rises; else on the other
  /// side or further away. One that has no free place is left out; the mark still tells its figures.
  mutating func add(_ marks: [(point: Chart.Point, x: Double, y: Double)]) {
    taken += marks.map {
      Box(
        left: $0.x - Self.markRadius, right: $0.x + Self.markRadius, top: $0.y - Self.markRadius,
        bottom: $0.y + Self.markRadius)
    }
    for (index, mark) in marks.enumerated() {
      guard let text = mark.point.label else { continue }
      let (from, to) = index + 1 < marks.count ? (mark, marks[index + 1]) : (marks[max(index - 1, 0)], mark)
      let isAbove = (to.x - from.x) * (to.y - from.y) > 0 || mark.y + 22 > frame.bottom
      let candidates = places(of: text, mark.x, mark.y, above: isAbove)
      guard let (label, box) = candidates.first(where: { place in !taken.contains { $0.meets(place.box) } }) else {
        continue
      }
      placed.append(label)
      taken.append(box)
    }
  }

  /// Nearest first.
  private func places(of text: String, _ x: Double, _ y: Double, above: Bool) -> [(label: Label, box: Box)] {
    var places: [(label: Label, box: Box)] = []
    for step in 0..<Self.farthest {
      let away = Self.height * Double(step)
      let (up, down) = (y - 7 - away, y + 17 + away)
      for base in above ? [up, down] : [down, up] {
        for isRight in [true, false] {
          if let place = place(of: text, x, base, isRight: isRight) { places.append(place) }
        }
      }
    }
    return places
  }

  /// nil outside the drawing area.
  private func place(of text: String, _ x: Double, _ base: Double, isRight: Bool) -> (label: Label, box: Box)? {
    let width = SVG.width(of: text)
    let start = isRight ? x + 8 : x - 8 - width
    let box = Box(left: start, right: start + width, top: base - Self.height + 3, bottom: base + 3)
    guard box.left > frame.left, box.right < Chart.width, box.bottom < frame.bottom else { return nil }
    guard box.top > frame.top - Self.height else { return nil }
    return (Label(text: text, x: isRight ? x + 8 : x - 8, y: base, anchor: isRight ? .start : .end), box)
  }
}
