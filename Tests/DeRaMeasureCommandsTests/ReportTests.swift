import DeRa
import DeRaBundle
import DeRaCommands
import DeRaConsole
import DeRaEvaluation
import DeRaMeasureCommands
import DeRaModelSpec
import DeRaTestSupport
import FoundationEssentials
import Testing

@Suite struct ReportTests {
  /// Three tiny int8 models: `brief` has its own first query matrix, `happy` all of its own but the norms.
  private func tinyManifest(tied: Bool = true) throws -> BundleManifest {
    try .tiny(
      ["sft", "brief", "happy"],
      .tiny(vocabulary: 100, hidden: 64, headDim: 16, feedForward: 128, context: 512, tied: tied), endOfTextIDs: [2],
      codec: { _ in .int8 },
      added: { tensor in
        let brief = tensor.spec.name == "blk.0.attn_q.weight" ? [try tensor.of(model: 1)] : []
        return tensor.spec.role.isMatrix ? brief + [try tensor.of(model: 2)] : brief
      })
  }

  private func inspection() throws -> InspectReport {
    let manifest = try tinyManifest()
    return InspectReport(
      manifest: manifest, path: "tiny.dera", fileBytes: manifest.weightBytes + 5000,
      memory: MemoryReport(mappedBytes: manifest.weightBytes + 5000, kvBytes: 393_216, scratchBytes: 100_000),
      kvCodec: "f16", context: 512, sequences: 3, program: 20_000_000)
  }

  @Test func inspectionTextIsAsRecorded() throws {
    try expectSnapshot("inspect.txt", try inspection().text())
  }

  @Test func inspectionCountsWhatIsShared() throws {
    let report = try inspection()
    #expect(report.regions.map(\.name) == ["shared", "sft", "brief", "happy", "tokenizer", "metadata"])
    #expect(report.regions.reduce(0) { $0 + $1.bytes } == report.fileBytes)
    let query = 4 * 2 * 544
    #expect(report.regions[2].bytes == query)
    // The reference's first query matrix is not shared with anybody: both aligned models have their own.
    #expect(report.regions[1].bytes == query)
    #expect(report.models[1].ownTensors == 1)
    #expect(report.forecast.totalBytes == report.fileBytes + 3 * 493_216 + report.forecast.programBytes)
    let json = try jsonText(report)
    #expect(json.contains("\"bits_per_weight\""))
  }

  @Test func bytesPerTokenCountSharedTensorsOnce() throws {
    let manifest = try tinyManifest()
    let all = manifest.footprint(model: 0).ownBytes
    let query = 4 * 2 * 544
    #expect(manifest.weightBytesPerToken(Realignment(lambdas: [0, 0])) == all)
    #expect(manifest.weightBytesPerToken(Realignment(lambdas: [1, 0])) == all)
    #expect(manifest.weightBytesPerToken(Realignment(lambdas: [0.5, 0])) == all + query)
    let untied = try tinyManifest(tied: false)
    let table = 7 * 2 * 544
    #expect(
      manifest.weightBytesPerToken(Realignment(lambdas: [0, 0])) + table / 100
        == untied.weightBytesPerToken(Realignment(lambdas: [0, 0])))
  }

  @Test func benchTableIsAsRecorded() throws {
    let rows = [("0", "pp512", [812.4, 807.9, 811.0]), ("0.5", "tg128", [95.25])].map { lambda, test, rates in
      Measurement(
        model: "llama int8", modelBytes: 181_000_000, parameters: 134_515_008, instructionSet: "avx2", threads: 2,
        batch: 1,
        lambda: lambda, blend: .logits, test: test, rates: rates, memoryBytes: 212_000_000,
        readBytesPerToken: 145_000_000,
        kvCodec: "int8", kvBytes: 12_000_000, activations: "int16")
    }
    #expect(rows[0].medianRate == 811 && rows[0].leastRate == 807.9 && rows[0].greatestRate == 812.4)
    // One hiccup moves neither the median nor an end below 0.
    #expect(Spread([17_000, 0.4, 17_400, 16_900, 17_100]) == Spread(median: 17_000, low: 0.4, high: 17_400))
    try expectSnapshot("bench.md", Measurement.table(rows).markdown)
    #expect(try jsonText(rows).contains("\"avg_ts\""))
  }

  @Test func runReportsSayWhyAnAnswerWasCut() throws {
    var generation = Generation()
    generation.text = "Hi"
    generation.promptTokens = 10
    generation.answerTokens = 21
    generation.prefillSeconds = 0.1
    generation.decodeSeconds = 0.2
    generation.timeToFirstToken = 0.104
    generation.seed = 7
    generation.finishReason = .context
    let report = RunReport(
      generation, models: ["a"], realignment: Realignment(lambdas: [0.5]), blend: .weights, contextLength: 31,
      peakMemoryBytes: 5_000_000)
    #expect(
      report.summary == """
        10 + 21 tokens, prefill 100.0 tok/s, decode 100.0 tok/s, first token 0.104 s, peak memory 5.0 MB, seed 7
        The context of 31 tokens is full: the answer was cut. Raise --context.
        """)
    let json = try jsonText(report, pretty: false)
    #expect(
      json == """
        {"answer_tokens":21,"blend":"weights","context_length":31,"decode_tokens_per_second":100,"finish_reason":"context",\
        "lambda":{"a":0.5},"peak_memory_bytes":5000000,"prefill_tokens_per_second":100,"prompt_tokens":10,\
        "seconds_to_first_token":0.104,"seed":7,"text":"Hi"}

        """)
  }

  @Test(
    arguments: [
      ("[1,2, 3]", [1, 2, 3]), ("1 2\n3\n", [1, 2, 3]), ("1,2,3", [1, 2, 3]), ("[]", []), (" \n", []), ("[ -1 ]", [-1]),
    ] as [(String, [Int32])]) func tokenLists(text: String, ids: [Int32]) throws
  {
    #expect(try TokenList.parse(text) == ids)
  }

  @Test(arguments: ["[1,2", "1,,2", "[1,]", "a", "99999999999", "1.5", "[[1]]"]) func badTokenLists(text: String) {
    #expect(throws: StreamError.self) { try TokenList.parse(text) }
  }
}

/// Compares with a file of Tests/Fixtures/commands; generate.sh there writes the help texts, this message the others.
func expectSnapshot(_ name: String, _ text: String) throws {
  let expected = try Fixtures.text("commands/\(name)")
  if text != expected { Issue.record("\(name) differs; if that is intended, the file must become:\n\(text)") }
}
