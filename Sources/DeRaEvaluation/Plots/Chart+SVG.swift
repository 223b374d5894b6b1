extension Chart {
  /// The picture as an SVG document.
  package var svg: String {
    let bars = series.filter { $0.marks == .bars }
    let points = series.flatMap(\.points)
    let horizontal = AxisLayout(x, values: points.map(\.x) + barEdges)
    let vertical = AxisLayout(
      y,
      values: points.flatMap { [$0.interval?.low ?? $0.y, $0.y, $0.interval?.high ?? $0.y] } + (bars.isEmpty ? [] : [0])
    )
    let legend = series.count > 1 || series.first?.name.isEmpty == false ? legendRows : []
    let frame = Frame(vertical, legendRows: legend.count)
    var svg = SVG(width: Chart.width, height: Chart.height)
    svg.text(title, frame.left, 28, class: "heading")
    drawLegend(legend, frame, &svg)
    drawAxes(horizontal, vertical, frame, &svg)
    var labels = LabelPlacement(frame)
    for (index, series) in series.enumerated() {
      let colour = "s\(index % SVG.colourCount)"
      let shown = series.points.filter { horizontal.canShow($0.x) && vertical.canShow($0.y) }
      let marks = shown.map { (point: $0, x: frame.x(horizontal, $0.x), y: frame.y(vertical, $0.y)) }
      switch series.marks {
      case .bars:
        let number = bars.firstIndex(of: series) ?? 0
        drawBars(marks, number, of: bars.count, colour, horizontal, vertical, frame, &svg)
      case .line: svg.path(marks.map { ($0.x, $0.y) }, class: "curve \(colour)")
      case .points: break
      }
      for mark in marks {
        drawError(mark.point, mark.x, series.marks == .bars ? "axis" : colour, vertical, frame, &svg)
        if series.marks != .bars {
          let note = "\(series.name)\(series.name.isEmpty ? "" : ": ")\(mark.point.x), \(mark.point.y)"
          svg.circle(mark.x, mark.y, radius: series.marks == .line ? 3.5 : 4.5, class: colour, note: note)
        }
      }
      if series.marks != .bars { labels.add(marks) }
    }
    // On top of all curves.
    for label in labels.placed { svg.text(label.text, label.x, label.y, label.anchor, class: "note") }
    return svg.document(title: title)
  }

  /// Where the drawing area is.
  struct Frame {
    let left: Double
    let right = Chart.width - 28
    let top: Double
    let bottom = Chart.height - 58

    init(_ vertical: AxisLayout, legendRows: Int) {
      left = 50 + (vertical.ticks.map { SVG.width(of: $0.text) }.max() ?? 0)
      top = 48 + 22 * Double(legendRows)
    }

    func x(_ axis: AxisLayout, _ value: Double) -> Double { left + axis.place(value) * (right - left) }
    func y(_ axis: AxisLayout, _ value: Double) -> Double { bottom - axis.place(value) * (bottom - top) }
  }

  /// Width that a bar may take, in x's unit: the smallest distance between two.
  private var barWidth: Double {
    let places = Set(series.filter { $0.marks == .bars }.flatMap(\.points).map(\.x)).sorted()
    return zip(places, places.dropFirst()).map { $1 - $0 }.min() ?? 1
  }

  private var barEdges: [Double] {
    series.filter { $0.marks == .bars }.flatMap(\.points).flatMap { [$0.x - barWidth / 2, $0.x + barWidth / 2] }
  }

  private func drawBars(
    _ marks: [(point: Point, x: Double, y: Double)], _ number: Int, of count: Int, _ colour: String,
    _ horizontal: AxisLayout, _ vertical: AxisLayout, _ frame: Frame, _ svg: inout SVG
  ) {
    let zero = vertical.canShow(0) ? frame.y(vertical, 0) : frame.bottom
    for mark in marks {
      let whole = frame.x(horizontal, mark.point.x + barWidth / 2) - frame.x(horizontal, mark.point.x - barWidth / 2)
      let width = whole * 0.86 / Double(count)
      svg.rectangle(
        mark.x - whole * 0.43 + Double(number) * width, min(mark.y, zero), width, abs(zero - mark.y),
        class: "bar \(colour)", note: "\(mark.point.x): \(mark.point.y)")
    }
  }

  private func drawError(
    _ point: Point, _ x: Double, _ colour: String, _ vertical: AxisLayout, _ frame: Frame, _ svg: inout SVG
  ) {
    guard let interval = point.interval, interval.high > interval.low, vertical.canShow(interval.high) else { return }
    let top = frame.y(vertical, interval.high)
    let bottom = vertical.canShow(interval.low) ? frame.y(vertical, interval.low) : frame.bottom
    svg.line(x, top, x, bottom, class: "error \(colour)")
    for end in [top, bottom] { svg.line(x - 4, end, x + 4, end, class: "error \(colour)") }
  }

  private func drawAxes(_ horizontal: AxisLayout, _ vertical: AxisLayout, _ frame: Frame, _ svg: inout SVG) {
    for tick in vertical.ticks {
      let height = frame.y(vertical, tick.value)
      svg.line(frame.left, height, frame.right, height, class: "grid")
      svg.text(tick.text, frame.left - 8, height + 5, .end)
    }
    for tick in horizontal.ticks {
      let place = frame.x(horizontal, tick.value)
      svg.line(place, frame.top, place, frame.bottom, class: "grid")
      svg.text(tick.text, place, frame.bottom + 20, .middle)
    }
    svg.line(frame.left, frame.bottom, frame.right, frame.bottom, class: "axis")
    svg.line(frame.left, frame.top, frame.left, frame.bottom, class: "axis")
    svg.text(x.label, (frame.left + frame.right) / 2, Chart.height - 14, .middle)
    svg.text(y.label, 20, (frame.top + frame.bottom) / 2, .middle, turned: true)
  }

  /// Names of the series, as many a row as fit.
  private var legendRows: [[Int]] {
    var rows: [[Int]] = []
    var used = Double.infinity
    for index in series.indices {
      let width = legendWidth(index)
      if used + width > Chart.width - 100 {
        rows.append([])
        used = 0
      }
      rows[rows.count - 1].append(index)
      used += width
    }
    return rows
  }

  private func legendWidth(_ index: Int) -> Double { 46 + SVG.width(of: series[index].name) }

  private func drawLegend(_ rows: [[Int]], _ frame: Frame, _ svg: inout SVG) {
    for (row, indices) in rows.enumerated() {
      var place = frame.left
      let height = 50 + 22 * Double(row)
      for index in indices {
        let colour = "s\(index % SVG.colourCount)"
        switch series[index].marks {
        case .line:
          svg.line(place, height - 5, place + 22, height - 5, class: "curve \(colour)")
          svg.circle(place + 11, height - 5, radius: 3.5, class: colour)
        case .points: svg.circle(place + 11, height - 5, radius: 4.5, class: colour)
        case .bars: svg.rectangle(place + 4, height - 12, 14, 14, class: "bar \(colour)")
        }
        svg.text(series[index].name, place + 28, height)
        place += legendWidth(index)
      }
    }
  }
}
