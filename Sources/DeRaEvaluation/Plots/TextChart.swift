extension Chart {
  /// The chart's points in characters, for a terminal: axis ends in figures, a letter for every series.
  /// - Parameters:
  ///   - width: columns of the drawing area.
  ///   - height: its lines.
  package func text(width: Int = 64, height: Int = 16) -> String {
    let points = series.flatMap(\.points)
    let horizontal = AxisLayout(x, values: points.map(\.x))
    let vertical = AxisLayout(y, values: points.map(\.y))
    var cells = [[Character]](repeating: [Character](repeating: " ", count: width), count: height)
    for (index, series) in series.enumerated() {
      for point in series.points where horizontal.canShow(point.x) && vertical.canShow(point.y) {
        let column = Int((horizontal.place(point.x) * Double(width - 1)).rounded())
        let row = Int(((1 - vertical.place(point.y)) * Double(height - 1)).rounded())
        guard cells.indices.contains(row), cells[row].indices.contains(column) else { continue }
        // Where points of two series meet, neither would be seen alone.
        cells[row][column] = cells[row][column] == " " ? Self.letter(index) : "*"
      }
    }
    var labels = [String](repeating: "", count: height)
    for tick in vertical.ticks {
      labels[min(max(Int(((1 - vertical.place(tick.value)) * Double(height - 1)).rounded()), 0), height - 1)] =
        tick.text
    }
    let margin = labels.map(\.count).max() ?? 0
    let blank = String(repeating: " ", count: margin)
    var lines = ["\(blank) \(y.label)"]
    for (label, row) in zip(labels, cells) {
      lines.append("\(String(repeating: " ", count: margin - label.count))\(label) │\(String(row))")
    }
    lines.append("\(blank) └\(String(repeating: "─", count: width))")
    var scale = [Character](repeating: " ", count: width + 12)
    for tick in horizontal.ticks {
      let start = max(0, Int((horizontal.place(tick.value) * Double(width - 1)).rounded()) - tick.text.count / 2)
      for (offset, character) in tick.text.enumerated() where scale.indices.contains(start + offset) {
        scale[start + offset] = character
      }
    }
    lines.append("\(blank)  \(String(scale))")
    lines.append("\(blank)  \(x.label)")
    let names = series.enumerated().map { "\(Self.letter($0.offset)) \($0.element.name)" }
    lines.append("\(blank)  \((names + ["* several"]).joined(separator: "   "))")
    return lines.map { line in String(line.reversed().drop { $0 == " " }.reversed()) + "\n" }.joined()
  }

  private static func letter(_ index: Int) -> Character { Array("xoabcdefghijklmnpqrstuvw")[index % 24] }
}
