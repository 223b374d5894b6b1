import DeRa
import DeRaCommands
import DeRaConsole
import DeRaEvaluation
import DeRaKernels
import DeRaMeasureCommands
import DeRaTestSupport
import FoundationEssentials
import Testing

private let results = ["samples.jsonl", "summary.csv", "summary.json", "report.html"]

@Suite struct SweepTests {
  private let folder: TemporaryDirectory
  private let prompts: String

  init() throws {
    folder = try TemporaryDirectory()
    prompts = try folder.write(
      "prompts.jsonl",
      """
      {"prompt": "Once upon a time", "id": "once"}

      {"prompt": "The \\"big\\" dog <b>", "id": 7}
      {"prompt": [3, 50, 200]}

      """)
  }

  private func sweep(_ output: String, _ more: String...) throws -> SweepResult {
    let arguments = [
      Fixtures.storyteller, "--prompts", prompts, "--lambda", "0.5;1;2", "--seeds", "2", "-n", "12", "--threads", "1",
      "-o",
      "\(folder.path)/\(output)",
    ]
    return try SweepCommand.parse(arguments + more).sweep()
  }

  private func expectSame(_ left: String, _ right: String) throws {
    for name in results {
      #expect(try folder.data("\(left)/\(name)") == folder.data("\(right)/\(name)"), "\(left) and \(right): \(name)")
    }
  }

  @Test func repeatedResumedAndShardedSweepsAreTheSameBytes() throws {
    let whole = try sweep("whole", "--batch", "3", "--reward", "dog=regex:dog|girl", "--reward", "short=length:9")
    #expect(whole.header.lambdas == ["0", "0.5", "1", "2"].map { "brief=\($0),happy=0" })
    #expect(whole.records.count == 4 * 3 * 2)
    func again(_ output: String, _ more: String...) throws {
      let rewards = ["--reward", "dog=regex:dog|girl", "--reward", "short=length:9"]
      let arguments = [
        Fixtures.storyteller, "--prompts", prompts, "--lambda", "0.5;1;2", "--seeds", "2", "-n", "12", "-o",
        "\(folder.path)/\(output)",
      ]
      _ = try SweepCommand.parse(arguments + rewards + more).sweep()
    }
    try again("again", "--batch", "16", "--threads", "2")
    try expectSame("whole", "again")
    // What a killed sweep leaves: some answers in any order, then half a line.
    let lines = String(decoding: try folder.data("whole/samples.jsonl"), as: UTF8.self).split(separator: "\n")
    for (kept, rest) in [(3, 0), (10, 40), (24, 200), (0, 30), (24, 0)] {
      let name = "resumed-\(kept)-\(rest)"
      try FileManager.default.createDirectory(atPath: "\(folder.path)/\(name)", withIntermediateDirectories: false)
      let half = rest > 0 ? String(lines[kept == 0 ? 0 : 5].prefix(rest)) : ""
      let complete = kept == 0 ? [] : [lines[0]] + lines[1...kept].shuffled()
      _ = try folder.write("\(name)/samples.jsonl", complete.map { $0 + "\n" }.joined() + half)
      try again(name)
      try expectSame("whole", name)
    }
    for shard in ["1/2", "2/2"] { try again("part\(shard.prefix(1))", "--shard", shard) }
    let parts = ["part2", "part1"].map { "\(folder.path)/\($0)" }
    _ = try MergeCommand.parse(parts + ["-o", "\(folder.path)/merged"]).mergedSweep()
    try expectSame("whole", "merged")
    #expect(throws: MergeError.self) {
      try MergeCommand.parse([parts[0], "-o", "\(folder.path)/other"]).mergedSweep()
    }
    #expect(throws: (any Error).self) {
      try MergeCommand.parse(parts + ["-o", "\(folder.path)/merged"]).mergedSweep()
    }
  }

  /// λ = 1 of the prompt is the plain prompt, and 0 the reference prompt, to the bit.
  @Test func twoPromptsAreSwept() throws {
    let references = try folder.write(
      "references.jsonl",
      """
      {"prompt": "There was a"}
      {"prompt": [7, 9]}
      {"prompt": "A"}

      """)
    func sweep(_ output: String, _ prompts: String, _ more: String...) throws -> SweepResult {
      let arguments = [
        Fixtures.storyteller, "--prompts", prompts, "-n", "8", "--threads", "1", "-o", "\(folder.path)/\(output)",
      ]
      return try SweepCommand.parse(arguments + more).sweep()
    }
    let points = ["--lambda", "0.5;0.5,0,0;prompt=2,brief=0.5", "--reference-prompt", references]
    let both = try sweep("both", prompts, points[0], points[1], points[2], points[3], "--batch", "5")
    #expect(
      both.header.lambdas == [("0", 0), ("0.5", 0), ("0.5", 1), ("0.5", 2)].map { "brief=\($0),happy=0,prompt=\($1)" })
    let again = try sweep("again", prompts, points[0], points[1], points[2], points[3], "--batch", "1")
    #expect(again.records == both.records)
    try expectSame("both", "again")
    let plain = try sweep("plain", prompts, "--lambda", "0.5")
    let other = try sweep("other", references, "--lambda", "0.5")
    func answers(_ result: SweepResult, _ lambda: String) -> [[Int32]] {
      result.records.filter { $0.lambda == lambda }.map(\.tokens)
    }
    func policy(_ result: SweepResult, _ lambda: String) -> [Double?] {
      result.records.filter { $0.lambda == lambda }.map { $0.values["log_likelihood.policy"] }
    }
    #expect(answers(both, "brief=0.5,happy=0,prompt=1") == answers(plain, "brief=0.5,happy=0"))
    #expect(policy(both, "brief=0.5,happy=0,prompt=1") == policy(plain, "brief=0.5,happy=0"))
    #expect(answers(both, "brief=0.5,happy=0,prompt=0") == answers(other, "brief=0.5,happy=0"))
    #expect(policy(both, "brief=0.5,happy=0,prompt=0") == policy(other, "brief=0.5,happy=0"))
    #expect(both.rows[0].mean("kl") == 0 && (both.rows[3].mean("kl") ?? 0) > 0)
    #expect(throws: SweepError.self) { try sweep("both", prompts, "--lambda", "0.5") }
    let short = try folder.write("short.jsonl", "{\"prompt\": \"A\"}\n")
    #expect(throws: StreamError.self) { try sweep("short", prompts, "--reference-prompt", short) }
  }

  @Test func aSweepGrowsAndRefusesWhatDoesNotFit() throws {
    _ = try sweep("grows")
    let more = try SweepCommand.parse([
      Fixtures.storyteller, "--prompts", prompts, "--lambda", "0.5;1;2;-1", "--seeds", "3", "-n", "12", "-o",
      "\(folder.path)/grows",
    ]).sweep()
    #expect(more.records.count == 5 * 3 * 3)
    #expect(throws: SweepError.self) { try sweep("grows", "--temperature", "0.5") }
    #expect(throws: SweepError.self) { try sweep("grows", "--reward", "a=length:3") }
    _ = try folder.write("grows/samples.jsonl", "{\"kind\": \"nothing\"}\n")
    #expect(throws: StreamError.self) { try sweep("grows") }
  }

  @Test func figuresAndRewardsAreThere() throws {
    let refusals = try folder.write("refusals.txt", "ONCE\n\n dog\n")
    let result = try sweep(
      "figures", "--refusals", refusals, "--reward", "likely=bundle:\(Fixtures.storyteller)", "--reward",
      "two=command:while read line; do echo 2; done", "--reward", "any=regex:.")
    for row in result.rows {
      #expect(row.samples == 6)
      for metric in result.metrics { #expect(row.figures[metric.name] != nil, "\(metric.name)") }
      #expect(row.mean("reward.two") == 2 && row.mean("reward.any") == 1)
      #expect(try #require(row.mean("reward.likely")) < 0)
      #expect(try #require(row.mean("kl")) >= 0)
    }
    #expect(result.rows[0].mean("kl") == 0 && result.rows[0].mean("reverse_kl") == 0)
    let csv = result.csv.split(separator: "\n")
    #expect(csv.count == 5 && csv[1].hasPrefix("\"brief=0,happy=0\",6,"))
    let html = String(decoding: try folder.data("figures/report.html"), as: UTF8.self)
    #expect(
      html.contains("<svg") && html.contains("dog &lt;b&gt;") && !html.contains("<script"))
  }

  @Test(arguments: [
    "read line", "exit 3", "while read line; do echo none; done", "while read line; do echo nan; done",
    "while read line; do echo 1 2; done", "/nonexistent/command",
  ]) func commandsThatFailAreNamed(command: String) throws {
    #expect(throws: RewardError.self) { try sweep("failed", "--reward", "x=command:\(command)") }
  }

  @Test(.timeLimit(.minutes(5))) func aCommandThatDoesNotEndIsEnded() throws {
    let stubborn = "trap '' TERM; while read line; do echo 1; done; sleep 1000"
    let result = try sweep("stubborn", "--reward", "x=command:\(stubborn)")
    #expect(result.rows[0].mean("reward.x") == 1)
  }

  @Test func theSafeRangeIsFound() throws {
    let result = try SweepCommand.parse([
      Fixtures.storyteller, "--prompts", prompts, "--seeds", "2", "-n", "16", "--safe-range", "-40:40", "-o",
      "\(folder.path)/safe",
    ]).sweep()
    let range = try #require(result.safeRange)
    #expect(range.low <= 0 && range.low >= -40 && range.high >= 1 && range.high < 40)
    #expect(range.failures.contains { $0.above != nil })
    #expect(result.rows.count == 2 && result.records.count == range.probes.count * 6)
    let html = String(decoding: try folder.data("safe/report.html"), as: UTF8.self)
    #expect(html.contains("Safe range"))
  }

  @Test(arguments: [
    ["--reward", "x"], ["--reward", "x=length:two"], ["--reward", "=regex:a"], ["--reward", "x=other:a"],
    ["--reward", "x=regex:("], ["--seeds", "0"], ["--batch", "0"], ["--max-tokens", "0"], ["--safe-range", "1:2"],
    ["--safe-range", "-1"], ["--shard", "3/2"], ["--safe-range", "-1:2", "--shard", "1/2"], ["--plausible", "2"],
    ["--reward", "x=length:1", "--reward", "x=length:2"], ["--refusals", "/nonexistent"],
    ["--reward", "x=bundle:/nonexistent"],
  ]) func badOptionsAreRefused(arguments: [String]) throws {
    let start = [Fixtures.storyteller, "--prompts", prompts, "-o", "\(folder.path)/refused"]
    #expect(throws: (any Error).self) { try SweepCommand.parse(start + arguments).sweep() }
  }

  @Test(arguments: [
    "", "{\"prompt\": \"a\"", "{\"text\": \"a\"}", "{\"prompt\": [9999999]}", "{\"prompt\": [-1]}", "{\"prompt\": []}",
    "{\"prompt\": \"a\", \"system\": \"b\"}", "[1]",
  ]) func badPromptsAreRefused(line: String) throws {
    let path = try folder.write("bad.jsonl", line + "\n")
    #expect(throws: (any Error).self) {
      try SweepCommand.parse([Fixtures.storyteller, "--prompts", path, "-o", "\(folder.path)/refused"]).sweep()
    }
  }
}

@Suite struct PerplexityShardTests {
  @Test(arguments: [nil, Fixtures.storyteller] as [String?]) func shardsMakeTheWholeReport(against: String?) throws {
    let folder = try TemporaryDirectory()
    let bundle = try ModelBundle(path: Fixtures.storyteller)
    let base = try against.map { try ModelBundle(path: $0) }
    let tokens = (0..<75).map { Int32($0 * 37 % 1000) }
    let chunks = try TextChunks(tokens: tokens, context: 10, beginning: nil)
    let realignments = [[0, 0], [0.5, 0.25], [2, 0]].map { Realignment(lambdas: $0) }
    func measured(_ shard: Shard) throws -> (PerplexityJob, [PerplexityLine], PerplexityTotals) {
      let measurement = try PerplexityMeasurement(
        bundle: bundle, against: base, realignments: realignments, context: 10,
        engine: Engine(pool: ThreadPool(threads: 1)))
      let lines = try (0..<chunks.count).filter(shard.includes).map {
        PerplexityLine(chunk: $0, totals: try measurement.add(chunks[$0], from: chunks.firstScored))
      }
      let job = try PerplexityJob(
        bundle: bundle, against: base, file: "text", chunks: chunks, realignments: realignments, blend: .logits,
        shard: shard)
      return (job, lines, measurement.totals)
    }
    let (job, _, totals) = try measured(.whole)
    let expected = PerplexityReport(job, totals)
    var parts: [PerplexityPart] = []
    for index in [3, 1, 2] {
      let (job, lines, _) = try measured(try #require(Shard("\(index)/3")))
      let text = try jsonText(job, pretty: false) + lines.map { try jsonText($0, pretty: false) }.joined()
      parts.append(try PerplexityPart(path: try folder.write("part\(index)", text)))
    }
    let merged = try PerplexityPart.merged(parts)
    #expect(merged.text == expected.text && merged.tsv == expected.tsv)
    #expect(try jsonText(merged) == jsonText(expected))
    #expect(throws: MergeError.self) { try PerplexityPart.merged(Array(parts.dropLast())) }
    let cut = String(decoding: try folder.data("part1"), as: UTF8.self).split(separator: "\n").dropLast()
    parts[1] = try PerplexityPart(path: try folder.write("cut", cut.joined(separator: "\n")))
    #expect(throws: MergeError.self) { try PerplexityPart.merged(parts) }
    let damaged = cut.joined(separator: "\n").replacing("\"same_top_count\"", with: "\"x\"")
    #expect(throws: StreamError.self) { try PerplexityPart(path: try folder.write("damaged", damaged)) }
  }
}
