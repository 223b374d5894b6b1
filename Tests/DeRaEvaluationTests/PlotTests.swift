import DeRaEvaluation
import DeRaTestSupport
import FoundationEssentials
import Testing

@Suite struct PlotTests {
  private static let charts: [(name: String, svg: String)] = [
    (
      "curves.svg",
      Chart(
        title: "Reward <against> KL", x: Axis("KL (nats)"), y: Axis("reward"),
        series: [
          .init(
            "DeRa", .line, [.init(x: 0, y: -0.7, error: 0.02), .init(x: 0.4, y: -0.55, error: 0.02, label: "λ = 1")]),
          .init("retrained", .points, [.init(x: 0.1, y: -0.66), .init(x: .nan, y: 0)]),
        ]
      ).svg
    ),
    (
      "bars.svg",
      Chart.histogram(
        title: "Length", x: Axis("words"), [("λ = 0", [1, 2, 2, 3, 3, 3, 9]), ("λ = 1", [1, 1, 1, 2])], bins: 4
      ).svg
    ),
    (
      "heat.svg",
      HeatMap(
        title: "Reward", x: "λ of brief", y: "λ of happy", value: "reward", columns: ["0", "1"], rows: ["0", "0.5"],
        values: [[-0.5, 0.25], [nil, 1]]
      ).svg
    ),
  ]

  @Test(arguments: charts) func picturesAreAsRecorded(chart: (name: String, svg: String)) throws {
    let expected = try Fixtures.text("evaluation/\(chart.name)")
    if chart.svg != expected {
      Issue.record("\(chart.name) differs; look at it, and if it is right the file must become:\n\(chart.svg)")
    }
  }

  /// Many λ at nearly one place: no two labels may overlap, nor a label a mark.
  @Test func labelsKeepApart() throws {
    let points = (0..<9).map { index in
      Chart.Point(x: 10 + Double(index) * 0.02, y: 1 + Double(index % 2) * 0.01, label: "λ = \(index)")
    }
    let svg = Chart(
      title: "", x: Axis("x"), y: Axis("y"),
      series: [.init("", .line, points + [.init(x: 0, y: 0, label: "far"), .init(x: 20, y: 2)])]
    ).svg
    let labels = svg.matches(of: /<text class="note" x="([\d.]+)" y="([\d.]+)" text-anchor="(start|end)">([^<]*)</)
    #expect(labels.count >= 6 && svg.contains(">far<"))
    let boxes = try labels.map { match -> (left: Double, right: Double, base: Double) in
      let (x, y) = (try #require(Double(match.1)), try #require(Double(match.2)))
      let width = 7.8 * Double(match.4.count)
      return match.3 == "start" ? (x, x + width, y) : (x - width, x, y)
    }
    for (index, box) in boxes.enumerated() {
      for other in boxes[..<index] {
        let meets = box.left < other.right && other.left < box.right && abs(box.base - other.base) < 14
        #expect(!meets, "\(labels[index].4)")
      }
    }
  }

  private func count(_ text: String, in svg: String) -> Int { svg.ranges(of: text).count }

  @Test func everyMarkIsThere() {
    let curves = Self.charts[0].svg
    #expect(count("<polyline", in: curves) == 1)
    // Two points of the line, one that can be shown, and two in the legend.
    #expect(count("<circle", in: curves) == 5)
    #expect(count("class=\"error", in: curves) == 6)
    #expect(curves.contains("Reward &lt;against&gt; KL") && !curves.contains("nan"))
    #expect(curves.contains("prefers-color-scheme: dark"))
    for label in [">KL (nats)<", ">reward<", ">DeRa<", ">retrained<", ">λ = 1<"] { #expect(curves.contains(label)) }
    #expect(count("<rect class=\"bar s", in: Self.charts[1].svg) == 8 + 2)
    #expect(count("<rect class=\"bar s0", in: Self.charts[2].svg) == 3)
  }

  private func chart(_ values: [Double], _ scale: Axis.Scale = .linear) -> String {
    Chart(
      title: "", x: Axis("x"), y: Axis("y", scale: scale),
      series: [.init("", .points, values.enumerated().map { .init(x: Double($0.offset), y: $0.element) })]
    ).svg
  }

  @Test func ticksAreRoundNumbers() {
    for tick in ["0.10", "0.16", "0.24"] { #expect(chart([0.1, 0.24]).contains(">\(tick)</text>"), "\(tick)") }
    for tick in ["−4", "0", "12"] { #expect(chart([-4, 11]).contains(">\(tick)</text>"), "\(tick)") }
    for tick in ["0.001", "0.1", "10"] {
      #expect(chart([0.0005, 20], .logarithmic).contains(">\(tick)</text>"), "\(tick)")
    }
    for tick in ["100", "200", "500"] {
      #expect(chart([75, 540], .logarithmic).contains(">\(tick)</text>"), "\(tick)")
    }
    #expect(chart([2e7, 9e7]).contains(">4e7</text>"))
    #expect(chart([1e-9, 5e-9]).contains(">2e−9</text>"))
  }

  @Test(arguments: [
    [], [3], [3, 3], [.nan], [.infinity, 1], [0, -1], [1e300, -1e300],
    [.leastNonzeroMagnitude, 2 * .leastNonzeroMagnitude], [1e16, 1e16 + 2],
  ])
  func oddValuesDrawSomething(values: [Double]) {
    for scale in [Axis.Scale.linear, .logarithmic] {
      let svg = chart(values, scale)
      #expect(svg.hasSuffix("</svg>\n") && !svg.contains("nan") && !svg.contains("inf"))
    }
    #expect(Chart.histogram(title: "", x: Axis("x"), [("", values)]).svg.hasSuffix("</svg>\n"))
  }
}
