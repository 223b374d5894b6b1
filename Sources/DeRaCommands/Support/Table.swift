/// Rows of text under headings, printed as a Markdown table that is also aligned for the eye.
package struct Table {
  package enum Alignment { case left, right }
  package struct Column {
    var heading: String
    var alignment: Alignment

    package init(_ heading: String, _ alignment: Alignment = .right) {
      self.heading = heading
      self.alignment = alignment
    }
  }

  package let columns: [Column]
  package var rows: [[String]] = []

  package init(_ columns: [Column]) { self.columns = columns }

  /// Markdown, a line for the headings, one for the alignment, one a row; ends with a newline.
  package var markdown: String {
    let widths = columns.indices.map { index in
      max(3, ([columns[index].heading] + rows.map { $0[index] }).map(displayWidth).max() ?? 0)
    }
    func line(_ cells: [String]) -> String {
      let padded = cells.indices.map { pad(cells[$0], to: widths[$0], columns[$0].alignment) }
      return "| " + padded.joined(separator: " | ") + " |\n"
    }
    let rule = columns.indices.map { index in
      let dashes = String(repeating: "-", count: widths[index] - 1)
      return columns[index].alignment == .left ? ":" + dashes : dashes + ":"
    }
    return ([columns.map(\.heading), rule] + rows).map(line).joined()
  }
}

/// `text` filled with spaces to a width in terminal columns.
package func pad(_ text: String, to width: Int, _ alignment: Table.Alignment) -> String {
  let fill = String(repeating: " ", count: max(0, width - displayWidth(text)))
  return alignment == .left ? text + fill : fill + text
}
