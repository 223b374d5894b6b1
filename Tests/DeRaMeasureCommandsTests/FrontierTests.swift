import DeRaCommands
import DeRaConsole
import DeRaEvaluation
import DeRaMeasureCommands
import DeRaPlatform
import DeRaTestSupport
import FoundationEssentials
import Testing

/// Frontiers measured by stand-ins for `dera-quantize` and `dera` (Tests/Fixtures/frontier).
@Suite struct FrontierTests {
  private let folder: TemporaryDirectory
  init() throws {
    folder = try TemporaryDirectory()
    // Links, since a script that was just written cannot be run while another test's child holds it open.
    let stubs = Fixtures.directory + "/frontier"
    for name in ["dera", "dera-quantize"] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder.path)/\(name)", withDestinationPath: "\(stubs)/\(name)")
    }
    for name in ["sft", "dpo"] { _ = try folder.write(name, name) }
    _ = try folder.write("text", String(repeating: "One day a bird sat on the wall. ", count: 200))
  }

  private func frontier(_ output: String, _ more: String...) throws -> FrontierRecord { try frontier(output, more) }

  private func frontier(_ output: String, _ more: [String]) throws -> FrontierRecord {
    let arguments = [
      "--reference", "\(folder.path)/sft", "--aligned", "\(folder.path)/dpo", "--file", "\(folder.path)/text",
      "--lambda", "0;2", "--programs", folder.path, "--candidates", "8+ternary,6,budget=50%", "-o",
      "\(folder.path)/\(output)",
    ]
    return try FrontierCommand.parse(arguments + more).frontier()
  }

  @Test func oneBundleIsMeasuredOnce() throws {
    let record = try frontier("once", "--candidates", "4,4+own,6+ternary")
    #expect(record.plan == [["4", "2 separate 4-bit models"], ["6+ternary"], ["6+own", "2 separate 6-bit models"]])
    #expect(try calls().count { $0.hasPrefix("perplexity 4") } == 1)
  }

  @Test func thePageHasEverythingInIt() throws {
    _ = try frontier("page", "--device", "pi4-2gb")
    let page = String(decoding: try folder.data("page/report.html"), as: UTF8.self)
    #expect(page.ranges(of: "<svg").count == 2 && !page.contains("src=") && !page.contains("*Resident*"))
    for text in ["<strong>Take ", "<li>", "<h2>Perplexity</h2>", "dera-quantize --reference", "8+ternary"] {
      #expect(page.contains(text), "\(text)")
    }
  }

  /// A mistake in the last candidate, or a short text, is found before hours of work.
  @Test func everyInputIsCheckedFirst() throws {
    let error = #expect(throws: StreamError.self) { try frontier("mistaken", "--candidates", "8,4+wrong") }
    #expect(error?.description.hasPrefix("candidate 4+wrong: ") == true)
    #expect(try calls() == [])
    _ = try folder.write("text", "Too short.")
    #expect(throws: EvaluationError.self) { try frontier("short") }
    #expect(try calls().count == 1)
    let lambdas = #expect(throws: (any Error).self) { try frontier("lambda", "--lambda", "0;x") }
    #expect(lambdas.map { FrontierCommand.message(for: $0).contains("'x'") } == true)
  }

  private func merged(_ parts: [String], _ output: String) throws -> FrontierRecord? {
    try MergeCommand.parse(parts.map { "\(folder.path)/\($0)" } + ["-o", "\(folder.path)/\(output)"]).mergedFrontier()
  }

  private func calls() throws -> [String] {
    guard FileManager.default.fileExists(atPath: "\(folder.path)/calls") else { return [] }
    return String(decoding: try folder.data("calls"), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private func expectSame(_ left: String, _ right: String) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/\(left)").sorted()
    #expect(names == (try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/\(right)").sorted()))
    #expect(names.contains("frontier.md") && names.contains("frontier.json") && names.contains("kl-2.svg"))
    for name in names {
      #expect(try folder.data("\(left)/\(name)") == folder.data("\(right)/\(name)"), "\(left) and \(right): \(name)")
    }
  }

  @Test func shardsMakeTheWholeFrontier() throws {
    let whole = try frontier("whole", "--blend", "logits,weights")
    let candidates = ["8+ternary", "6", "8+own", "budget=50%"]
    #expect(whole.plan.map(\.first) == candidates)
    #expect(whole.plan[1] == ["6", "6 --blend weights", "2 separate 6-bit models"])
    #expect(whole.results.map(\.name) == Array(whole.plan.joined()))
    for result in whole.results { #expect(result.quality.count == 2, "\(result.name)") }
    let size = try #require(whole.results.first { $0.name == "8+own" }).fileBytes
    let budget = try #require(whole.results.last)
    #expect(budget.command.contains("--budget \(size / 2) "))
    // Of eight shards four have nothing to do.
    for count in [2, 3, 8] {
      let parts = (1...count).map { "\(count)-\($0)" }
      for (index, part) in parts.enumerated() {
        let record = try frontier(part, "--blend", "logits,weights", "--shard", "\(index + 1)/\(count)")
        #expect(record.results.count < whole.results.count)
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/\(part)/frontier.md"))
      }
      _ = try merged(parts.reversed(), "merged-\(count)")
      try expectSame("whole", "merged-\(count)")
      #expect(throws: (any Error).self) { try merged(parts, "merged-\(count)") }
      #expect(throws: MergeError.self) { try merged(Array(parts.dropLast()), "other") }
    }
    // What is merged is finished.
    let before = try calls().count
    _ = try frontier("merged-3", "--blend", "logits,weights")
    #expect(try calls().count == before)
    try expectSame("whole", "merged-3")
  }

  @Test func partsOfOtherJobsAreRefused() throws {
    _ = try frontier("first", "--shard", "1/2")
    for (name, more, what) in [
      ("device", ["--device", "100"], "--device or --rate"), ("context", ["--context", "64"], "--context or --chunks"),
      ("blend", ["--blend", "weights"], "list of candidates or --blend"),
    ] {
      _ = try frontier(name, more + ["--shard", "2/2"])
      let error = #expect(throws: MergeError.self, "\(name)") { try merged(["first", name], "other") }
      #expect(error == .different(name: "\(folder.path)/\(name)", what: what))
    }
    #expect(throws: StreamError.self) { try merged(["first", "nothing"], "other") }
    #expect(throws: StreamError.self) { try frontier("first", "--chunks", "3", "--shard", "1/2") }
  }

  @Test func aStoppedFrontierGoesOn() throws {
    let whole = try frontier("whole")
    for stopped in ["8+ternary", "one-8", "6"] {
      _ = try folder.write("fails", "\(stopped).dera")
      #expect(throws: ChildError.self) { try frontier(stopped) }
      #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/\(stopped)/bundles"))
      try FileManager.default.removeItem(atPath: "\(folder.path)/fails")
      try FileManager.default.removeItem(atPath: "\(folder.path)/calls")
      let resumed = try frontier(stopped)
      #expect(resumed.results == whole.results)
      try expectSame("whole", stopped)
      #expect(try calls().contains { $0 == "bench 8+ternary.dera logits" } == (stopped == "8+ternary"))
    }
  }

  @Test func anIncompleteShardIsNamed() throws {
    _ = try frontier("part1", "--shard", "1/2")
    _ = try folder.write("fails", "6.dera")
    #expect(throws: ChildError.self) { try frontier("part2", "--shard", "2/2") }
    // What failed before anything was measured has left nothing.
    let error = #expect(throws: StreamError.self) { try merged(["part1", "part2"], "other") }
    #expect(error?.description.contains("\(folder.path)/part2/frontier.json is missing") == true)
  }

  /// Weights alone say nothing of separate models, and budgets still have their measure.
  @Test func weightsAloneHaveNoSeparateModels() throws {
    let record = try frontier("weights", "--blend", "weights")
    #expect(record.results.allSatisfy { $0.blendsWeights && !$0.isSeparate && $0.quality.count == 2 })
    let budget = try #require(record.results.last?.command.split(separator: " ").first { Int($0) != nil })
    #expect(try #require(Int(budget)) >= 500)
  }

  @Test func aFolderIsOneProcesss() throws {
    let path = "\(folder.path)/taken"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    let error = #expect(throws: (any Error).self) { try frontier("taken") }
    #expect(error.map { "\($0)".contains("another process") } == true)
  }
}
