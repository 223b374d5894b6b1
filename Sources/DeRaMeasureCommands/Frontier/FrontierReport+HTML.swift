import DeRaEvaluation
import DeRaText

extension FrontierReport {
  /// The report as one page with nothing to load.
  var html: String {
    let figures = charts.map { "<figure>\($0.chart.svg)</figure>\n" }.joined()
    let tables = details.map { "<h2>\(escaped($0.heading))</h2>\n\($0.table.html)" }.joined()
    let body = """
      <p>Reference \(escaped(settings.reference)), aligned \(escaped(settings.aligned.joined(separator: ", "))); text
      \(escaped(settings.file)), at most \(settings.chunks) chunks of \(settings.context) tokens, the second half of each scored.</p>
      \(recommended)<section class="charts">
      \(figures)</section>
      <h2>Bundles</h2>
      <p>\(escaped(Self.legend.replacing("*", with: "")))</p>
      \(self.figures.html)\(tables)<h2>Commands of the front</h2>
      <pre>\(escaped(commands.joined(separator: "\n")))</pre>

      """
    return PageStyle.page(titled: "Memory against quality", body)
  }

  /// The recommendation's sentence, its list and the command.
  private var recommended: String {
    let lines = recommendation.text.split(separator: "\n")
    let items = lines.filter { $0.hasPrefix("- ") }.map { "<li>\(escaped(String($0.dropFirst(2))))</li>\n" }
    let sentence = lines.filter { !$0.hasPrefix("- ") }.joined(separator: " ")
    let command = recommendation.choice.map { "<pre>\(escaped($0.command))</pre>\n" } ?? ""
    return "<p><strong>\(escaped(sentence))</strong></p>\n<ul>\n\(items.joined())</ul>\n\(command)"
  }
}

extension Table {
  /// An HTML table in a box that scrolls.
  fileprivate var html: String {
    let heading = columns.map { "<th>\(escaped($0.heading))</th>" }.joined()
    let rows = rows.map { row in "<tr>\(row.map { "<td>\(escaped($0))</td>" }.joined())</tr>\n" }.joined()
    return "<div class=\"wide\"><table>\n<tr>\(heading)</tr>\n\(rows)</table></div>\n"
  }
}
