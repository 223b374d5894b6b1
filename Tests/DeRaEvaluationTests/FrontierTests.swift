import DeRaEvaluation
import DeRaText
import Testing

@Suite struct FrontierTests {
  @Test func candidatesAreOptionsOfTheConverter() throws {
    let candidate = try FrontierCandidate("8+ternary")
    #expect(candidate.options == ["--bits", "8", "--delta", "ternary"])
    #expect(candidate.bits == 8 && candidate.family == "ternary")
    #expect(try FrontierCandidate("4+merge").options == ["--bits", "4", "--merge"])
    #expect(try FrontierCandidate("6").family == "as given")
    let budget = try FrontierCandidate("budget=120MB")
    #expect(budget.options == ["--budget", "120MB"] && budget.family == "budget" && budget.bits == nil)
    #expect(try FrontierCandidate.list(FrontierCandidate.standard).count == 21)
    let share = try FrontierCandidate("budget=60%")
    #expect(share.isRelative && share.options(whole: 1_000_001) == ["--budget", "600000"])
    for text in ["", "5", "8+", "8+6", "--output", "output=x", "8,8", "8+ternary,", "ternary%", "budget=x%"] {
      #expect(throws: FrontierError.self, "\(text)") { try FrontierCandidate.list(text) }
    }
  }

  @Test func oneBundleHasOneForm() throws {
    func form(_ text: String, adapters: Bool) throws -> [String] {
      try FrontierCandidate(text).form(adapters: adapters)
    }
    for (left, right, adapters, areSame) in [
      ("4", "4+own", false, true), ("4", "own+4", true, true), ("4", "4+merge", false, true),
      ("4", "4+merge", true, false),
      ("4", "4+sign", false, false), ("4+activations=int16+sign", "sign+activations=int16+4", false, true),
    ] {
      #expect(try (form(left, adapters: adapters) == form(right, adapters: adapters)) == areSame, "\(left) \(right)")
    }
    for (text, adapters, isWhole) in [
      ("4", false, true), ("4", true, false), ("4+merge", true, true), ("4+own", true, false),
      ("4+calibration=default", false, false), ("budget=60%", false, false),
    ] { #expect(try FrontierCandidate(text).isWhole(adapters: adapters) == isWhole, "\(text)") }
  }

  @Test func aDeviceMustBeFastEnough() throws {
    // 3.4 GB/s: 12 tokens a second of 290 MB, 19 of 180, 24 of 140.
    let device = try Device("pi4-2gb")
    let some = Recommendation(results, for: device, rate: 20)
    #expect(some.choice?.name == "6+ternary")
    #expect(some.text.contains("and can write 20 tokens/s there (2 of 4 candidates)"))
    #expect(some.text.contains("8+ternary would be nearer (KL 0.00200), but writes no more than 18.9 tokens/s there"))
    let none = Recommendation(results, for: device, rate: 100)
    #expect(none.choice?.name == "6+ternary" && none.text.contains("none of 4 reaches 100 tokens/s there"))
    #expect(Recommendation(results, for: device, rate: 0).choice?.name == "8+ternary")
    let unknown = Recommendation(results, for: try Device("400"), rate: 100)
    #expect(unknown.choice?.name == "8+ternary" && unknown.text.contains("the speed there is not known"))
    var here = try Device("400")
    here.isHere = true
    #expect(Recommendation(results, for: here, rate: 51).text.contains("reaches 51 tokens/s"))
  }

  @Test func devicesHaveNamesOrMegabytes() throws {
    #expect(try Device("pi4-2gb").memoryBytes == 1_700_000_000)
    #expect(try Device("150").memoryBytes == 150_000_000)
    for text in ["pi3", "0", "-5", "1e9", ""] {
      #expect(throws: FrontierError.unknownDevice(text)) { try Device(text) }
    }
  }

  private func result(
    _ name: String, megabytes: Int, losses: [Double], error: Double = 0, isSeparate: Bool = false
  ) -> FrontierResult {
    let zero = Estimate(value: 1, error: 0)
    return FrontierResult(
      name: name, family: isSeparate ? "separate models" : String(name.drop { $0 != "+" }.dropFirst()),
      isSeparate: isSeparate, command: "dera-quantize", fileBytes: megabytes * 1_000_000,
      memoryBytes: (megabytes + 20) * 1_000_000, rate: Spread(median: 50, low: 49, high: 52),
      readBytesPerToken: megabytes * 1_000_000,
      quality: losses.enumerated().map { index, loss in
        .init(
          lambda: "\(index)", perplexity: zero, divergence: Estimate(value: loss, error: error), sameTop: zero)
      })
  }

  private var results: [FrontierResult] {
    [
      result("8+own", megabytes: 290, losses: [0.002, 0.004]),
      result("8+ternary", megabytes: 180, losses: [0.002, 0.0019]),
      result("6+ternary", megabytes: 140, losses: [0.02, 0.03]),
      result("4+ternary", megabytes: 150, losses: [0.3, 0.3]),
      result("2 separate 4-bit models", megabytes: 185, losses: [0.3, 0.35], isSeparate: true),
      result("2 separate 8-bit models", megabytes: 300, losses: [0.002, 0.004], isSeparate: true),
    ]
  }

  @Test func frontLeavesOutWhatIsBeaten() {
    #expect(results.filter { !$0.isSeparate }.front == ["6+ternary", "8+ternary"])
    let equal = [result("a", megabytes: 1, losses: [0]), result("b", megabytes: 2, losses: [0])]
    #expect(equal.front == ["a"])
    #expect([FrontierResult]().front == [])
  }

  @Test func recommendationIsTheNearestThatFits() throws {
    let large = Recommendation(results, for: try Device("pi4-2gb"))
    #expect(
      large.text == """
        Take 8+ternary for a Raspberry Pi 4 with 2 GB: it stays nearest to 16 bits of what fits into the 1.7 GB it \
        has for the model (4 of 4 candidates).

        - KL 0.00200 nats a token at most (λ = 0)
        - 180 MB on disk, 200 MB resident
        - 50.0 tokens/s here, at most 19 there (its memory delivers 3.4 GB/s)
        - 6+ternary would save 40.0 MB for 15 times the KL
        - for comparison, 2 separate 4-bit models take 185 MB and lose 175 times as much
        """)
    let small = Recommendation(results, for: try Device("165"))
    #expect(
      small.choice?.name == "6+ternary"
        && small.text.contains("into the 165 MB it has for the model (1 of 4 candidates)"))
    let none = Recommendation(results, for: try Device("100"))
    #expect(none.choice == nil && none.text.contains("(6+ternary) takes 160 MB"))
    #expect(Recommendation([], for: try Device("100")).choice == nil)
  }

  /// A bundle that loses less only by the measurement's noise is not worth its memory.
  @Test func noiseIsNoReason() throws {
    let pair = [
      result("8+int4", megabytes: 220, losses: [0.0020], error: 0.0001),
      result("8+sign", megabytes: 160, losses: [0.0021], error: 0.0001),
    ]
    let recommendation = Recommendation(pair, for: try Device("400"))
    #expect(recommendation.choice?.name == "8+sign")
    #expect(recommendation.text.contains("8+int4 measures no better beyond its error"))
  }

  @Test func separateModelsCountAsOftenAsTheyAre() {
    let single = result("one", megabytes: 100, losses: [])
    let pair = FrontierResult.separate(single, count: 2, quality: results[0].quality, name: "two")
    #expect(pair.fileBytes == 200_000_000)
    #expect(pair.memoryBytes == 240_000_000)
    #expect(pair.rate == Spread(median: 25, low: 24.5, high: 26))
    #expect(pair.isSeparate && pair.quality == results[0].quality)
  }

  @Test func chartHasTheSeparateModelsFirst() {
    let chart = results.chart(lambda: 1, title: "t")
    #expect(chart.series.map(\.name) == ["separate models", "own", "ternary"])
    #expect(chart.series[2].points.map(\.label) == ["6+ternary", nil, "8+ternary"])
  }

  @Test func textChartHasALetterForEverySeries() {
    let chart = Chart(
      title: "", x: Axis("x"), y: Axis("y"),
      series: [
        .init("a", .line, [.init(x: 0, y: 0), .init(x: 4, y: 6)]),
        .init("b", .points, [.init(x: 10, y: 10), .init(x: 4, y: 6), .init(x: .nan, y: 1)]),
      ])
    #expect(
      chart.text(width: 21, height: 6) == """
           y
        10 │                    o
         8 │
         6 │        *
         4 │
         2 │
         0 │x
           └─────────────────────
            0   2   4   6   8  10
            x
            x a   o b   * several

        """)
  }

  @Test(arguments: [(0.0018637, "0.00186"), (12.345, "12.3"), (0, "0"), (123.4, "123"), (-0.5, "-0.500")])
  func threeDigitsAreSignificant(value: Double, text: String) { #expect(significant(value) == text) }
}
