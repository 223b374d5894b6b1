import ArgumentParser
import DeRa
import DeRaCommands
import DeRaMeasureCommands
import DeRaPlatform
import Testing

/// The command lines of `dera`, and of `dera-measure`, which carries some of them out.
@Suite struct ParsingTests {
  private func root(for command: String?) -> any ParsableCommand.Type {
    let isMeasuring = MeasureCommand.configuration.subcommands.contains { $0.configuration.commandName == command }
    return isMeasuring ? MeasureCommand.self : RootCommand.self
  }

  @Test(arguments: [
    "run", "chat", "inspect", "tokenize", "detokenize", "logits", "perplexity", "score", "sweep", "merge", "frontier",
    "bench", "pack", "unpack", "list", "doctor",
  ]) func helpIsAsRecorded(command: String) throws {
    let root = root(for: command)
    let subcommand = try #require(root.configuration.subcommands.first { $0.configuration.commandName == command })
    try expectSnapshot("help-\(command).txt", root.helpMessage(for: subcommand, columns: 100) + "\n")
  }

  @Test func rootHelpIsAsRecorded() throws {
    try expectSnapshot("help.txt", RootCommand.helpMessage(columns: 100) + "\n")
  }

  /// A negative number is a value that is wrong, not another option.
  @Test(arguments: [
    (["-n", "-1"], "--max-tokens"), (["--top-k", "-1"], "top-k"), (["--temperature", "-0.5"], "temperature"),
    (["--top-p", "-1"], "top-p"), (["--min-p", "-1"], "min-p"), (["--repetition-penalty", "-1"], "repetition penalty"),
    (["--seed", "-1"], "--seed"),
  ]) func negativeValuesAreNamed(arguments: [String], name: String) {
    let error = #expect(throws: (any Error).self) { try SamplingArguments.parse(arguments) }
    if let error { #expect(SamplingArguments.message(for: error).contains(name)) }
  }

  @Test(arguments: [
    ["run", "m.dera", "--raw", "--chat-template", "chatml"], ["run", "m.dera", "--raw", "--system", "s"],
    ["sweep", "m.dera", "--prompts", "p", "-o", "x", "--raw", "--chat-template", "chatml"],
    ["bench", "m.dera", "--blend", "logits,x"],
    ["frontier", "--reference", "a", "--aligned", "b", "--file", "t", "--blend", ""],
  ]) func contradictionsAreUsageErrors(arguments: [String]) {
    let root = root(for: arguments.first)
    let error = #expect(throws: (any Error).self) { try root.parseAsRoot(arguments) }
    if let error { #expect(root.exitCode(for: error) == .validationFailure) }
  }

  /// The arguments after a command of another program are that program's, `--help` too.
  @Test func argumentsAreHandedOver() {
    func handed(_ given: String...) -> [String]? {
      Handover.find(in: given).map { [$0.handover.program] + $0.arguments }
    }
    #expect(handed("serve", "m.dera", "--help") == ["dera-serve", "m.dera", "--help"])
    #expect(handed("help", "serve") == ["dera-serve", "--help"])
    #expect(handed("sweep", "m.dera", "-o", "x") == ["dera-measure", "sweep", "m.dera", "-o", "x"])
    #expect(handed("help", "bench") == ["dera-measure", "bench", "--help"])
    #expect(handed("help", "run") == nil)
    #expect(handed("run", "serve") == nil)
  }

  /// Every command of `dera-measure` is a command of `dera`, with the same words.
  @Test func theMeasuringCommandsAreListed() {
    func rows(_ root: any ParsableCommand.Type) -> [String] {
      root.configuration.subcommands.map { "\($0.configuration.commandName ?? ""): \($0.configuration.abstract)" }
    }
    #expect(Set(rows(MeasureCommand.self)).isSubset(of: rows(RootCommand.self)))
    #expect(rows(MeasureCommand.self).count == Handover.all.count { $0.program == "dera-measure" })
  }

  @Test func theVersionNamesTheProgram() {
    let error = #expect(throws: (any Error).self) { try RootCommand.parseAsRoot(["--version"]) }
    if let error { #expect(RootCommand.message(for: error) == "dera \(Version.text)") }
  }

  private func options(_ arguments: String...) throws -> GenerationOptions {
    try SamplingArguments.parse(arguments).options()
  }

  @Test func defaultsAreTheLibrarys() throws { #expect(try options() == GenerationOptions()) }

  @Test func everyOptionArrives() throws {
    let found = try options(
      "-n", "5", "--temperature", "0.5", "--top-k", "7", "--top-p", "0.25", "--min-p", "0.125",
      "--plausible", "0.0625", "--repetition-penalty", "1.5", "--frequency-penalty", "-0.5", "--presence-penalty", "-2",
      "--logit-bias",
      "3=-inf", "--logit-bias", "4=2", "--seed", "9", "--stop", "a", "--stop", "b c")
    var expected = GenerationOptions()
    expected.maxTokens = 5
    expected.stopStrings = ["a", "b c"]
    expected.sampling.temperature = 0.5
    expected.sampling.topK = 7
    expected.sampling.topP = 0.25
    expected.sampling.minP = 0.125
    expected.sampling.plausible = 0.0625
    expected.sampling.repetitionPenalty = 1.5
    expected.sampling.frequencyPenalty = -0.5
    expected.sampling.presencePenalty = -2
    expected.sampling.logitBias = [3: -.infinity, 4: 2]
    expected.sampling.seed = 9
    #expect(found == expected)
  }

  @Test(arguments: [
    ["--temperature", "nan"], ["--top-p", "0"], ["--logit-bias", "x=1"], ["--logit-bias", "1=2=3"],
    ["--logit-bias", "1=inf"], ["-n", "-1"], ["--stop", ""], ["--seed", "-1"], ["--top-k", "1.5"],
  ]) func badOptionsAreUsageErrors(arguments: [String]) {
    let error = #expect(throws: (any Error).self) { try SamplingArguments.parse(arguments) }
    if let error { #expect(SamplingArguments.exitCode(for: error) == .validationFailure) }
  }

  @Test(arguments: [
    ["run", "m.dera", "--lambda", "-1.5", "--blend", "weights", "hi"],
    ["chat", "m.dera", "--lambda", "brief=0.5,happy=-1"],
    ["logits", "m.dera", "--tokens", "1,2", "--lambda", "-1:5:0.5", "-o", "x.npy"],
    ["bench", "m.dera", "-p", "512", "-n", "128", "-t", "1,2", "--lambda", "0;0.5;1", "-r", "5", "--json"],
    ["bench", "m.dera", "--blend", "logits,weights"],
    [
      "perplexity", "m.dera", "-f", "t", "--lambda", "-1,2", "--against", "n.dera", "-c", "256", "--chunks", "3",
      "--json",
    ],
    ["perplexity", "m.dera", "-f", "t", "--shard", "2/3"],
    [
      "sweep", "m.dera", "--prompts", "p", "--lambda", "-1", "--lambda", "2", "--safe-range", "-8:8", "-o", "d", "-b",
      "3", "-n", "9",
    ],
    ["merge", "a", "b", "--json"],
    ["score", "m.dera", "--file", "-", "--lambda", "0,1", "-c", "9", "-t", "1"],
    ["inspect", "m.dera", "--json", "--verify", "--context", "9", "--sequences", "2"],
    ["pack", "m.dera", "-o", "x", "--level", "9", "--json"], ["unpack", "m.dera.lz4"], ["unpack", "m", "-o", "n"],
    ["tokenize", "m.dera", "--add-special"], ["detokenize", "m.dera"],
  ]) func commandLinesParse(arguments: [String]) throws {
    _ = try root(for: arguments.first).parseAsRoot(arguments)
  }

  @Test(arguments: [
    ["run"], ["nope"], ["run", "m", "--context", "0", "x"], ["run", "m", "--threads", "0", "x"],
    ["run", "m", "--raw", "--system", "s", "x"], ["bench", "m", "-t", "1,,2"], ["bench", "m", "-p", "0", "-n", "0"],
    ["bench", "m", "-o", "xml"], ["bench", "m", "--blend", "both"],
    ["pack", "m", "--level", "0"], ["unpack"], ["bench"], ["bench", "m", "--isa"],
    ["bench", "m", "-n", "-1"],
    ["run", "m", "-t", "-1", "x"], ["inspect", "m", "--sequences", "0"], ["logits", "m", "--tokens", "1"],
  ]) func badCommandLinesAreUsageErrors(arguments: [String]) {
    let root = root(for: arguments.first)
    let error = #expect(throws: (any Error).self) { try root.parseAsRoot(arguments) }
    if let error { #expect(root.exitCode(for: error) == .validationFailure) }
  }
}
