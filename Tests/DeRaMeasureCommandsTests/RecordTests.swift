import DeRa
import DeRaCommands
import DeRaConsole
import DeRaEvaluation
import DeRaJSON
import DeRaKernels
import DeRaMeasureCommands
import DeRaTestSupport
import FoundationEssentials
import Testing

/// Files of results that no command can have written: each is refused by name, and nothing is written.
@Suite struct RecordTests {
  /// A record's field, and a text in place of its value (or of anything else that is found).
  struct Damage: Sendable, CustomTestStringConvertible {
    var field: String
    var pattern: String
    var value: String
    var testDescription: String { "\(field) \(value)" }

    init(_ field: String, _ pattern: String, _ value: String) {
      self.field = field
      self.pattern = pattern
      self.value = value
    }

    func applied(to text: String) throws -> String {
      let pattern = try Regex(pattern)
      #expect(text.contains(pattern), "nothing to damage: \(self.pattern)")
      return text.replacing(pattern, with: value, maxReplacements: 1)
    }
  }

  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  private func damage(_ source: String, _ target: String, _ damage: Damage) throws {
    let text = String(decoding: try folder.data(source), as: UTF8.self)
    if let directory = target.split(separator: "/").dropLast().first {
      try FileManager.default.createDirectory(
        atPath: "\(folder.path)/\(directory)", withIntermediateDirectories: true)
    }
    _ = try folder.write(target, try damage.applied(to: text))
  }

  /// Runs `body`, which must name the field.
  private func expectRefusal(_ field: String, _ body: () throws -> Void) {
    let error = #expect(throws: (any Error).self) { try body() }
    if let error = error as? RecordError {
      #expect(error.field == field)
    } else {
      // The decoder finds types that are wrong.
      #expect(error.map { "\($0)".contains(field) } == true, "\(error.map { "\($0)" } ?? "")")
    }
    #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/output"))
  }

  private static let sweepDamages = [
    Damage("seeds", #""seeds":2"#, #""seeds":9223372036854775807"#),
    Damage("seeds", #""seeds":2"#, #""seeds":-1"#), Damage("seeds", #""seeds":2"#, #""seeds":0"#),
    Damage("seeds", #""seeds":2"#, #""seeds":100000000"#), Damage("JSON", #""seeds":2"#, #""seeds":1e30"#),
    Damage("models", #""models":\[[^\]]*\]"#, #""models":[]"#),
    Damage("lambdas[0]", #""lambdas":\["brief=0,"#, #""lambdas":["brief=inf,"#),
    Damage("lambdas[0]", #""lambdas":\["[^"]*""#, #""lambdas":["nobody=1""#),
    Damage("lambdas", #""lambdas":\[[^\]]*\]"#, #""lambdas":[]"#),
    Damage("prompts", #""prompts":\[[^\]]*\]"#, #""prompts":[]"#),
    Damage("rewards", #""rewards":\["length"\]"#, #""rewards":["a b"]"#),
    Damage("settings.reward.other", #""rewards":\["length"\]"#, #""rewards":["other"]"#),
    Damage("settings.kv", #""kv":"f16""#, #""kv":"f12""#),
    Damage("settings.temperature", #""temperature":"1.0""#, #""temperature":"nan""#),
    Damage("settings.max_tokens", #""max_tokens":"4""#, #""max_tokens":"-4""#),
    Damage("settings.bundle", #""bundle":"[0-9a-f]{64}""#, #""bundle":"0""#),
    Damage("shard", #""shard":"1/1""#, #""shard":"2/1""#),
    Damage("lambda", #""lambda":"[^"]*""#, #""lambda":"x""#),
    Damage("prompt", #""prompt":1"#, #""prompt":-1"#), Damage("prompt", #""prompt":1"#, #""prompt":2"#),
    Damage("seed", #""seed":1,"#, #""seed":-1,"#), Damage("seed", #""seed":1,"#, #""seed":9223372036854775807,"#),
    Damage("sampler_seed", #""sampler_seed":[0-9]+"#, #""sampler_seed":7"#),
    Damage("id", #""id":"a""#, #""id":"b""#), Damage("token_ids", #""token_ids":\[[^\]]*\]"#, #""token_ids":[-1]"#),
    Damage("token_ids", #""token_ids":\[[^\]]*\]"#, #""token_ids":[]"#),
    Damage("values.tokens", #""tokens":[0-9]"#, #""tokens":7"#),
    Damage("values.tokens", #""tokens":[0-9]"#, #""tokens":"inf""#),
    Damage("values.kl", #""kl":[^,]*"#, #""kl":"nan""#), Damage("values.kl", #""kl":[^,]*"#, #""kl":1e308"#),
    Damage("values.reward.length", #""reward.length":-?[0-9]+"#, #""reward.length":1e300"#),
    Damage("values.distinct_1", #""distinct_1":[^,]*"#, #""distinct_1":1.5"#),
    Damage("values.other", #""distinct_1":"#, #""other":"#),
    Damage("values.finished", #""finished":[01]"#, #""finished":0.5"#),
  ]

  @Test func damagedSweepsAreRefused() throws {
    let prompts = try folder.write(
      "prompts.jsonl", "{\"prompt\": \"The dog\", \"id\": \"a\"}\n{\"prompt\": \"One day\"}\n")
    func sweep(_ output: String) throws {
      _ = try SweepCommand.parse([
        Fixtures.storyteller, "--prompts", prompts, "--lambda", "1", "--seeds", "2", "-n", "4", "--reward",
        "length=length:3", "-o", "\(folder.path)/\(output)",
      ]).sweep()
    }
    func merge(_ part: String) throws {
      _ = try MergeCommand.parse(["\(folder.path)/\(part)", "-o", "\(folder.path)/output"]).mergedSweep()
    }
    try sweep("whole")
    for item in Self.sweepDamages {
      try damage("whole/samples.jsonl", "damaged/samples.jsonl", item)
      expectRefusal(item.field) { try merge("damaged") }
      let before = try folder.data("damaged/samples.jsonl")
      #expect(throws: (any Error).self, "\(item)") { try sweep("damaged") }
      #expect(try folder.data("damaged/samples.jsonl") == before)
    }
    // An id beyond the vocabulary shows where the bundle is open.
    try damage(
      "whole/samples.jsonl", "damaged/samples.jsonl", Damage("", #""token_ids":\[[0-9]+"#, #""token_ids":[99999"#))
    #expect(throws: RecordError.self) { try sweep("damaged") }
    let lines = String(decoding: try folder.data("whole/samples.jsonl"), as: UTF8.self).split(separator: "\n")
    _ = try folder.write("damaged/samples.jsonl", (lines + [lines[2]]).map { $0 + "\n" }.joined())
    expectRefusal("seed") { try merge("damaged") }
    // More answers than memory holds are counted, not listed.
    try damage("whole/samples.jsonl", "damaged/samples.jsonl", Damage("", #""seeds":2"#, #""seeds":1000000"#))
    #expect(throws: MergeError.self) { try merge("damaged") }
    try merge("whole")
  }

  private static let frontierDamages = [
    Damage("results[1].quality", #""lambda" : "0""#, #""lambda" : "5""#),
    Damage("results[0].quality", #"(?s)"quality" : \[.*?\n      \]"#, #""quality" : []"#),
    Damage("results[0].quality", #""lambda" : "0;2""#, #""lambda" : "0;3""#),
    Damage("settings.context", #""context" : 512"#, #""context" : -1"#),
    Damage("settings.chunks", #""chunks" : 16"#, #""chunks" : 9223372036854775807"#),
    Damage("settings.inputs", #""[0-9a-f]{64}""#, #""0""#),
    Damage("settings.aligned", #""aligned" : \[[^\]]*\]"#, #""aligned" : []"#),
    Damage("device", #""plan""#, #""device" : "nothing", "plan""#), Damage("plan", #""6""#, #""8+ternary""#),
    Damage("plan[1]", #""6""#, #""6 of them""#),
    Damage("results[0].file_bytes", #""file_bytes" : [0-9]+"#, #""file_bytes" : 0"#),
    Damage("results[0].file_bytes", #""file_bytes" : [0-9]+"#, #""file_bytes" : 9223372036854775807"#),
    Damage("results[0].memory_bytes", #""memory_bytes" : [0-9]+"#, #""memory_bytes" : -9223372036854775808"#),
    Damage("rate", #""rate" : [0-9]+"#, #""rate" : -1"#),
    Damage("results[0].rate.median", #""median" : [0-9]+"#, #""median" : "nan""#),
    Damage("results[0].rate.low", #""low" : 1"#, #""low" : -1"#),
    Damage("results[0].rate.high", #""high" : 99999"#, #""high" : 0"#),
    Damage("results[0].family", #""family" : "ternary""#, #""family" : "sign""#),
    Damage("results[0].command", #""command" : "dera-quantize"#, #""command" : "rm"#),
    Damage("results[0].name", #""name" : "8.ternary""#, #""name" : "none of them""#),
    Damage("results[0].quality[0].perplexity.value", #""value" : 9.5"#, #""value" : "nan""#),
    Damage("results[0].quality[0].same_top.value", #""value" : 0.9\n"#, "\"value\" : 1.5\n"),
    Damage("results", #""results" : "#, #""outcomes" : "#),
  ]

  @Test func damagedFrontiersAreRefused() throws {
    for name in ["sft", "dpo"] { _ = try folder.write(name, name) }
    _ = try folder.write("text", String(repeating: "One day a bird sat on the wall. ", count: 200))
    for name in ["dera", "dera-quantize"] {
      try FileManager.default.createSymbolicLink(
        atPath: folder.file(name), withDestinationPath: "\(Fixtures.directory)/frontier/\(name)")
    }
    func frontier(_ output: String) throws {
      _ = try FrontierCommand.parse([
        "--reference", folder.file("sft"), "--aligned", folder.file("dpo"), "--file", folder.file("text"), "--lambda",
        "0;2",
        "--programs", folder.path, "--candidates", "8+ternary,6", "-o", folder.file(output),
      ]).frontier()
    }
    try frontier("whole")
    for item in Self.frontierDamages {
      try damage("whole/frontier.json", "damaged/frontier.json", item)
      expectRefusal(item.field) {
        _ = try MergeCommand.parse([folder.file("damaged"), "-o", folder.file("output")]).mergedFrontier()
      }
      let before = try folder.data("damaged/frontier.json")
      #expect(throws: (any Error).self, "\(item)") { try frontier("damaged") }
      #expect(try folder.data("damaged/frontier.json") == before)
    }
    // Other bytes of the same length, within the same second: what was measured is stale.
    _ = try folder.write("dpo", "opd")
    let error = #expect(throws: (any Error).self) { try frontier("whole") }
    #expect(error.map { "\($0)".contains("content of the models or the text differs") } == true)
  }

  private static let perplexityDamages = [
    Damage("chunks", #""chunks":7"#, #""chunks":0"#), Damage("chunks", #""chunks":7"#, #""chunks":-1"#),
    Damage("chunks", #""chunks":7"#, #""chunks":9223372036854775807"#),
    Damage("context", #""context":10"#, #""context":0"#),
    Damage("context", #""context":10"#, #""context":9223372036854775807"#),
    Damage("lambdas", #""lambdas":\[[^\]]*\]"#, #""lambdas":[]"#),
    Damage("lambdas[0]", #""lambdas":\["[^"]*""#, #""lambdas":["nan""#), Damage("kv", #""kv":"f16""#, #""kv":"f12""#),
    Damage("models", #""models":\["brief""#, #""models":["happy""#), Damage("fingerprints", #""text":"#, #""texts":"#),
    Damage("fingerprints.text", #""text":"[0-9a-f]+""#, #""text":"0""#), Damage("chunk", #""chunk":0"#, #""chunk":7"#),
    Damage("chunk", #""chunk":0"#, #""chunk":-1"#), Damage("chunk", #""chunk":0"#, #""chunk":1"#),
    Damage("totals.scores", #"\{"base_losses":\[[^}]*\},"#, ""),
    Damage("totals.scores[0].losses", #""losses":\[[^,]*,"#, #""losses":["#),
    Damage("totals.scores[0].losses", #""losses":\[[^,]*,"#, #""losses":["nan","#),
    Damage("totals.scores[0].losses", #""losses":\[[^,]*,"#, #""losses":[-2,"#),
    Damage("totals.scores[0].base_losses", #""base_losses":\[[^\]]*\]"#, #""base_losses":[]"#),
    Damage("totals.scores[0].probability_changes", #""probability_changes":\[[^,]*"#, #""probability_changes":[1.5"#),
    Damage("totals.scores[0].same_top_count", #""same_top_count":[0-9]+"#, #""same_top_count":-1"#),
    Damage("totals.scores[0].same_top_count", #""same_top_count":[0-9]+"#, #""same_top_count":9"#),
    Damage("totals.directions[0].base", #""base":[^,]*"#, #""base":"inf""#),
    Damage("totals.directions[0].own", #""own":[^}]*"#, #""own":-1"#),
    Damage("totals.directions", #""directions":\[\{[^}]*\},"#, #""directions":["#),
  ]

  @Test func damagedPerplexitiesAreRefused() throws {
    let bundle = try ModelBundle(path: Fixtures.storyteller)
    let chunks = try TextChunks(tokens: (0..<75).map { Int32($0 * 37 % 1000) }, context: 10, beginning: nil)
    let realignments = [[0, 0], [0.5, 0.25]].map { Realignment(lambdas: $0) }
    let measurement = try PerplexityMeasurement(
      bundle: bundle, against: bundle, realignments: realignments, context: 10,
      engine: Engine(pool: ThreadPool(threads: 1)))
    let job = try PerplexityJob(
      bundle: bundle, against: bundle, file: "text", chunks: chunks, realignments: realignments, blend: .logits,
      shard: .whole)
    let lines = try (0..<chunks.count).map {
      PerplexityLine(chunk: $0, totals: try measurement.add(chunks[$0], from: chunks.firstScored))
    }
    let text = try jsonText(job, pretty: false) + lines.map { try jsonText($0, pretty: false) }.joined()
    _ = try folder.write("whole", text)
    _ = try PerplexityPart.merged([try PerplexityPart(path: folder.file("whole"))])
    for item in Self.perplexityDamages {
      try damage("whole", "damaged", item)
      expectRefusal(item.field) { _ = try PerplexityPart(path: folder.file("damaged")) }
    }
    // More chunks than memory holds are counted, not listed.
    try damage("whole", "damaged", Damage("", #""chunks":7"#, #""chunks":2147483647"#))
    let damaged = try PerplexityPart(path: folder.file("damaged"))
    #expect(throws: MergeError.self) { try PerplexityPart.merged([damaged]) }
  }

  @Test func aDamagedConversationIsRefused() throws {
    let path = try folder.write("talk.json", #"{"version": 1, "messages": [], "lambda": {"brief": "inf"}}"#)
    expectRefusal("lambda.brief") { _ = try Conversation.load(from: path) }
  }
}
