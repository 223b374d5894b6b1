/// Curves, points and bars over two axes, drawn as SVG without anything but text.
package struct Chart: Sendable, Equatable {
  /// Pixels at 100 %.
  package static let width = 800.0
  package static let height = 480.0

  package var title: String
  package var x: Axis
  package var y: Axis
  package var series: [Series]

  package init(title: String, x: Axis, y: Axis, series: [Series]) {
    self.title = title
    self.x = x
    self.y = y
    self.series = series
  }

  package struct Series: Sendable, Equatable {
    package enum Marks: Sendable, Equatable {
      /// Points joined in their order.
      case line
      case points
      /// Bars from 0 to each point's y; side by side when several series have bars.
      case bars
    }

    package var name: String
    package var marks: Marks
    package var points: [Point]

    package init(_ name: String, _ marks: Marks, _ points: [Point]) {
      self.name = name
      self.marks = marks
      self.points = points
    }
  }

  package struct Point: Sendable, Equatable {
    package var x: Double
    package var y: Double
    /// The ends of an error bar, in y's unit.
    package var interval: Interval?
    /// Written beside the mark.
    package var label: String?

    package init(x: Double, y: Double, interval: Interval? = nil, label: String? = nil) {
      self.x = x
      self.y = y
      self.interval = interval
      self.label = label
    }

    /// - Parameter error: half the height of an error bar.
    package init(x: Double, y: Double, error: Double?, label: String? = nil) {
      self.init(x: x, y: y, interval: error.map { Interval(low: y - $0, high: y + $0) }, label: label)
    }
  }

  /// How often values fall into `bins` intervals of equal width.
  package static func histogram(
    title: String, x: Axis, _ values: [(name: String, values: [Double])], bins: Int = 24
  ) -> Chart {
    let all = values.flatMap(\.values).filter(\.isFinite)
    let low = all.min() ?? 0
    let width = max((all.max() ?? 1) - low, .leastNormalMagnitude) / Double(max(bins, 1))
    let series = values.map { group in
      var counts = [Int](repeating: 0, count: max(bins, 1))
      for value in group.values where value.isFinite { counts[min(Int((value - low) / width), counts.count - 1)] += 1 }
      return Series(
        group.name, .bars,
        counts.enumerated().map { Point(x: low + (Double($0.offset) + 0.5) * width, y: Double($0.element)) })
    }
    return Chart(title: title, x: x, y: Axis("count", includes: 0), series: series)
  }
}
