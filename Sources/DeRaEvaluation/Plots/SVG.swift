import DeRaText

/// Text of an SVG picture: elements one after another, numbers with two decimals, text escaped.
struct SVG {
  private(set) var body = ""
  let width: Double
  let height: Double

  init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  /// The whole picture; it scales to the width it is given, and follows the reader's light or dark setting.
  func document(title: String) -> String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(width)) \(number(height))" width="\(number(width))" \
    height="\(number(height))" role="img" class="dera-plot">
    <title>\(escaped(title))</title>
    <style>
    \(Self.style)</style>
    <rect class="paper" width="100%" height="100%"/>
    \(body)</svg>

    """
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String) {
    body +=
      "<line class=\"\(name)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\"/>\n"
  }

  mutating func path(_ points: [(x: Double, y: Double)], class name: String) {
    let text = points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
    body += "<polyline class=\"\(name)\" points=\"\(text)\"/>\n"
  }

  /// - Parameter note: shown when the pointer rests on the mark.
  mutating func circle(_ x: Double, _ y: Double, radius: Double, class name: String, note: String = "") {
    body +=
      "<circle class=\"\(name)\" cx=\"\(number(x))\" cy=\"\(number(y))\" r=\"\(number(radius))\"\(end("circle", note))\n"
  }

  /// - Parameter opacity: opacity of the filling, 0 to 1.
  mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, class name: String, opacity: Double = 1,
    note: String = ""
  ) {
    let filling = opacity == 1 ? "" : " fill-opacity=\"\(fixed(opacity, 3))\""
    body += "<rect class=\"\(name)\" x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" "
    body += "height=\"\(number(height))\"\(filling)\(end("rect", note))\n"
  }

  enum Anchor: String { case start, middle, end }

  /// - Parameter turned: written upwards.
  mutating func text(
    _ text: String, _ x: Double, _ y: Double, _ anchor: Anchor = .start, class name: String = "", turned: Bool = false
  ) {
    let turn = turned ? " transform=\"rotate(-90 \(number(x)) \(number(y)))\"" : ""
    let style = name.isEmpty ? "" : " class=\"\(name)\""
    body += "<text\(style) x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor.rawValue)\"\(turn)>"
    body += "\(escaped(text))</text>\n"
  }

  private func end(_ element: String, _ note: String) -> String {
    note.isEmpty ? "/>" : "><title>\(escaped(note))</title></\(element)>"
  }

  private func number(_ value: Double) -> String {
    let text = fixed(value, 2)
    guard text.contains(".") else { return text }
    let short = String(text.reversed().drop { $0 == "0" }.reversed())
    return short.last == "." ? String(short.dropLast()) : short
  }

  /// Width of a text in the pictures' font, roughly.
  static func width(of text: String, size: Double = 14) -> Double { Double(text.count) * size * 0.56 }
}

/// Text as XML shows it; characters XML does not allow are replaced.
package func escaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "\n", "\t": result.unicodeScalars.append(scalar)
    case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: result += "\u{FFFD}"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

extension SVG {
  /// Colours of series for light and dark paper: Okabe and Ito's, told apart by colour-blind readers, the yellow left out.
  private static let colours: [(light: String, dark: String)] = [
    (light: "#0072b2", dark: "#56b4e9"), ("#d55e00", "#ff8c42"), ("#009e73", "#2fc79a"), ("#b3438f", "#e08ac4"),
    ("#6b6b6b", "#b0b0b0"), ("#a67c00", "#e6b800"), ("#1f1f1f", "#f0f0f0"),
  ]
  static var colourCount: Int { colours.count }

  private static var style: String {
    palette(dark: false) + "@media (prefers-color-scheme: dark){\n" + palette(dark: true) + "}\n" + shapes
  }

  /// The rules that depend on the paper, written out because not every renderer knows custom properties.
  private static func palette(dark: Bool) -> String {
    let (ink, soft, paper) = dark ? ("#e8e8e8", "#3d4148", "#16181c") : ("#1f1f1f", "#dcdcdc", "#ffffff")
    var text = ".dera-plot .paper{fill:\(paper)}\n.dera-plot text{fill:\(ink)}\n.dera-plot .axis{stroke:\(ink)}\n"
    text += ".dera-plot .grid{stroke:\(soft)}\n.dera-plot .note{stroke:\(paper)}\n"
    for (index, pair) in colours.enumerated() {
      let colour = dark ? pair.dark : pair.light
      text += ".dera-plot .s\(index){stroke:\(colour);fill:\(colour)}\n"
    }
    return text
  }

  private static let shapes = """
    .dera-plot text{font:14px system-ui,"Helvetica Neue",Arial,sans-serif}
    .dera-plot .heading{font-size:17px;font-weight:600}
    .dera-plot .grid,.dera-plot .axis,.dera-plot .error{stroke-width:1}
    .dera-plot .curve{fill:none;stroke-width:2.2;stroke-linejoin:round}
    .dera-plot .bar{stroke:none}
    .dera-plot text.cell,.dera-plot text.note{font-size:13px}
    .dera-plot text.note{paint-order:stroke;stroke-width:4;stroke-linejoin:round}

    """
}
