/// Rows of text under headings, aligned for the eye: as a Markdown table or as plain columns.
package struct Table {
  package enum Alignment { case left, right }
  package struct Column {
    package let heading: String
    package let alignment: Alignment

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

  /// Columns two spaces apart, a line for the headings and one a row, without trailing spaces.
  package var lines: [String] {
    let all = [columns.map(\.heading)] + rows
    let widths = columns.indices.map { index in all.map { displayWidth($0[index]) }.max() ?? 0 }
    return all.map { row in
      let cells = row.indices.map { pad(row[$0], to: widths[$0], columns[$0].alignment) }
      var line = cells.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}

/// `text` filled with spaces to a width in terminal columns.
package func pad(_ text: String, to width: Int, _ alignment: Table.Alignment) -> String {
  let fill = String(repeating: " ", count: max(0, width - displayWidth(text)))
  return alignment == .left ? text + fill : fill + text
}
