/// A grid of numbers shown by colour and in figures.
package struct HeatMap: Sendable, Equatable {
  package var title: String
  package var x: String
  package var y: String
  /// The meaning of the colour, with its unit.
  package var value: String
  package var columns: [String]
  package var rows: [String]
  /// `[rows][columns]`; nil where nothing was measured.
  package var values: [[Double?]]

  /// - Parameters:
  ///   - columns: labels along x.
  ///   - rows: labels along y, the lowest first.
  package init(
    title: String, x: String, y: String, value: String, columns: [String], rows: [String], values: [[Double?]]
  ) {
    self.title = title
    self.x = x
    self.y = y
    self.value = value
    self.columns = columns
    self.rows = rows
    self.values = values
  }

  /// The picture as an SVG document: the paler a cell the smaller its value.
  package var svg: String {
    let shown = values.joined().compactMap { $0 }.filter(\.isFinite)
    let (low, high) = (shown.min() ?? 0, shown.max() ?? 1)
    let step = max((high - low) / 100, .leastNormalMagnitude)
    let left = 60 + (rows.map { SVG.width(of: $0) }.max() ?? 0)
    let width = (Chart.width - 28 - left) / Double(max(columns.count, 1))
    let cell = min(60, max(26, 360 / Double(max(rows.count, 1))))
    let top = 70.0
    let bottom = top + cell * Double(rows.count)
    var svg = SVG(width: Chart.width, height: bottom + 62)
    svg.text(title, left, 28, class: "heading")
    svg.text("\(value): \(AxisLayout.text(low, step: step)) to \(AxisLayout.text(high, step: step))", left, 52)
    for (row, numbers) in values.enumerated() {
      let y = bottom - cell * Double(row + 1)
      if row < rows.count { svg.text(rows[row], left - 8, y + cell / 2 + 5, .end) }
      for (column, number) in numbers.enumerated() {
        let x = left + width * Double(column)
        guard let number, number.isFinite else {
          svg.rectangle(x + 1, y + 1, width - 2, cell - 2, class: "bar grid", opacity: 0)
          continue
        }
        // The darkest cell must still let its figure be read.
        let shade = 0.08 + 0.52 * (high > low ? (number - low) / (high - low) : 0.5)
        svg.rectangle(x + 1, y + 1, width - 2, cell - 2, class: "bar s0", opacity: shade)
        svg.text(AxisLayout.text(number, step: step), x + width / 2, y + cell / 2 + 5, .middle, class: "cell")
      }
    }
    for (column, label) in columns.enumerated() {
      svg.text(label, left + width * (Double(column) + 0.5), bottom + 20, .middle)
    }
    svg.text(x, (left + Chart.width - 28) / 2, bottom + 46, .middle)
    svg.text(y, 20, (top + bottom) / 2, .middle, turned: true)
    return svg.document(title: title)
  }
}
