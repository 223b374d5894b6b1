import ArgumentParser
import DeRa
import DeRaCommands
import DeRaConsole
import DeRaEvaluation
import DeRaKernels

package struct SweepCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: Handover.sweep.command,
    abstract: Handover.sweep.abstract,
    discussion: """
      Every prompt is answered --seeds times under every λ (λ = 0 is always one of them), several answers at a time. \
      --output gets samples.jsonl (every answer with its figures), summary.csv and summary.json (per λ: means and 95 % \
      confidence intervals over prompts) and report.html (charts and answers side by side). A sweep that was stopped \
      goes on when the same command is run again, and may be run again with more λ or seeds; results do not depend on \
      --batch, --threads or on how often it was stopped.

      Prompts are JSON lines: {"prompt": "Once upon a time", "system": "optional", "id": "optional"}; \
      "prompt": [12, 7] gives token ids.

      Figures: length, log-likelihood under every model, KL(π_λ ‖ π_ref) along the answers and KL(π_ref ‖ π_λ) along the \
      reference's (each token's whole distribution, summed over an answer), entropy, distinct-n, repetition, and what \
      --refusals and --reward say. They are unbiased for the blend itself when sampling is neither truncated nor heated, \
      which is the default here.

      Rewards: NAME=regex:PATTERN (1 where found), NAME=length:TOKENS (minus the distance), NAME=bundle:FILE \
      (log-probability of the answer under that bundle), NAME=command:COMMAND (gets a JSON line with prompt, answer, \
      lambda, seed and tokens for each answer, prints a number for each and flushes).

      --safe-range searches, by bisection between its two ends, for the λ at which entropy falls below half, repeated \
      4-grams or tokens outside the reference's support grow by 0.1; --plausible can widen it.

      Safe is not meaningful. λ stands for a mixture of whole answers, and decoding mixes token by token. With 8 or more \
      seeds that end by themselves the answers are weighed against the exact mixture: the effective share is what the \
      weights leave of them. The meaningful range ends where it falls below a half; --safe-range searches for that, too.

      Examples:
        dera sweep model.dera --prompts p.jsonl --lambda '-1;0;0.5;1;2' --seeds 4 -o out
        dera sweep model.dera --prompts p.jsonl --lambda 0:2:1 --reward 'short=length:40' --reward 'ok=command:./score' -o out
        dera sweep model.dera --prompts p.jsonl --safe-range -8:8 -o out
        dera sweep model.dera --prompts p.jsonl --reference-without-system --lambda 0:2:0.5 -o out
        dera sweep model.dera --prompts p.jsonl --lambda 0:2:1 --shard 1/2 -o part1   (and 2/2 elsewhere; then dera merge)
      """)

  @OptionGroup var bundle: BundleArgument
  @Option(
    help: ArgumentHelp("The prompts; - reads standard input.", valueName: "jsonl"),
    completion: .file(extensions: ["jsonl"]))
  var prompts: String
  @OptionGroup(title: "Alignment") var lambda: LambdaListArgument
  @Option(parsing: .unconditional, help: ArgumentHelp("Answers to each prompt under each λ.", valueName: "count"))
  var seeds = 1
  @Option(
    name: .shortAndLong, help: ArgumentHelp("Where the results go.", valueName: "directory"), completion: .directory)
  var output: String
  @Option(help: ArgumentHelp("A figure of your own. Repeatable.", valueName: "name=kind:argument"))
  var reward: [String] = []
  @Option(
    help: ArgumentHelp("Phrases that mark a refusal, one a line.", valueName: "file"), completion: .file())
  var refusals: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Also search for the λ at which sampling fails, such as -8:8.", valueName: "low:high"))
  var safeRange: String?
  @Option(help: ArgumentHelp("Draw only this part of the prompts, such as 2/8.", valueName: "i/n"))
  var shard = Shard.whole
  @Option(
    name: [.short, .long], parsing: .unconditional, help: ArgumentHelp("Answers drawn together.", valueName: "count"))
  var batch = 8
  @Flag(help: "Print the summary as JSON instead of a table.") var json = false
  @OptionGroup(title: "Prompt") var prompting: RawPromptArguments
  @OptionGroup(title: "Reference prompt") var reference: ReferencePromptArguments
  @OptionGroup(title: "Sampling") var sampling: SweepSampling
  @OptionGroup(title: "Machine") var runtime: RuntimeArguments

  /// How close the bisection brings a λ that passes and one that fails.
  static let tolerance = 0.125

  package init() {}

  package func validate() throws {
    if !SessionLimits.sequences.contains(batch) {
      throw ValidationError("--batch must be from 1 to \(SessionLimits.sequences.upperBound)")
    }
    if !(1...SweepHeader.seedLimit).contains(seeds) {
      throw ValidationError("--seeds must be from 1 to \(SweepHeader.seedLimit)")
    }
    if prompting.raw && reference.wantedSystem != nil {
      throw ValidationError("with --raw, give the whole reference prompts by --reference-prompt")
    }
    if prompts == Input.name && reference.referencePrompt == Input.name {
      throw ValidationError("standard input cannot be both --prompts and --reference-prompt")
    }
    _ = try searched()
    if safeRange != nil && shard != .whole {
      throw ValidationError(
        "--safe-range needs all prompts, so it does not go with --shard; merge the shards and run it on the result")
    }
    var names: Set<String> = []
    for text in reward {
      do {
        let option = try RewardOption(text)
        if !names.insert(option.name).inserted { throw RewardError.badOption(text, "another reward has that name") }
      } catch { throw ValidationError("\(error)") }
    }
  }

  /// The ends of `--safe-range`.
  private func searched() throws -> (low: Double, high: Double)? {
    guard let safeRange else { return nil }
    let ends = safeRange.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) ?? .nan }
    guard ends.count == 2, (-1000...0).contains(ends[0]), (1...1000).contains(ends[1]) else {
      throw ValidationError("--safe-range takes an end from -1000 to 0 and one from 1 to 1000, such as -8:8")
    }
    return (ends[0], ends[1])
  }

  package func run() throws {
    let result = try sweep()
    try Output.write(json ? try jsonText(SweepOutput.Summary(result)) : SweepOutput.text(result))
    Output.note("Results are in \(output).")
  }

  /// Draws, measures and writes the files.
  package func sweep() throws -> SweepResult {
    let bundle = try bundle.open()
    var format = try prompting.format(bundle)
    format.tokenLimit = runtime.contextLength(for: bundle)
    try PromptArguments.check(system: reference.wantedSystem, format)
    var prompts = try SweepPrompts(path: prompts, bundle: bundle, format: format, raw: prompting.raw)
    try prompts.addReferences(reference, bundle: bundle, format: format, raw: prompting.raw)
    if let references = prompts.references {
      let same = zip(prompts.tokens, references).count { $0 == $1 }
      let remark = same == 0 ? "" : " \(same) of the \(references.count) prompts are their own reference."
      Output.note("Reference prompts: \(reference.state).\(remark)")
    }
    let list = try refusals.map { try RefusalList(path: $0) }
    var header = try header(bundle, prompts, list)
    var options = try sampling.options()
    options.furtherEnds = Set(format.furtherEnds.map(\.id))
    if !options.furtherEnds.isEmpty {
      header.settings["ends"] = options.furtherEnds.sorted().map(String.init).joined(separator: " ")
    }
    let context = try contextLength(bundle, prompts, answer: options.maxTokens ?? 0)
    let scorers = try reward.map { text in
      let option = try RewardOption(text)
      return (option.name, try option.scorer(threads: runtime.threads.count))
    }
    let log = try SweepLog(
      directory: output, header: header, vocabulary: bundle.configuration.vocabularySize)
    let sweep = try SweepRun(
      bundle: bundle, header: header, prompts: prompts,
      plan: SweepRun.Plan(
        options: options, seed: sampling.seed, scorers: scorers, refusals: list, blend: runtime.blending.blend),
      log: log,
      batch: min(batch, max(header.keys.count, 1)), contextLength: context,
      engine: try runtime.engine(), cacheCodec: runtime.precision.kv)
    var range: SafeRange?
    try Interrupt.during {
      try sweep.drawGrid()
      if let (low, high) = try searched() {
        range = try sweep.safeRange(low: low, high: high, tolerance: Self.tolerance)
      }
      for (_, scorer) in scorers { try scorer.finish() }
    }
    let result = try SweepResult(header: header, records: log.known.values, safeRange: range)
    try SweepOutput.write(try SweepOutput.files(result), to: output)
    return result
  }

  /// The context that the sweep needs, if the model has it.
  private func contextLength(_ bundle: ModelBundle, _ prompts: SweepPrompts, answer: Int) throws -> Int {
    let limit = runtime.contextLength(for: bundle)
    let all = prompts.tokens + (prompts.references ?? [])
    for (tokens, place) in zip(all, prompts.places + prompts.places) where tokens.count >= limit {
      try located(place) { throw GenerationError.promptTooLong(tokens: tokens.count, contextLength: limit) }
    }
    return min((all.map(\.count).max() ?? 0) + answer, limit)
  }

  private func header(_ bundle: ModelBundle, _ prompts: SweepPrompts, _ refusals: RefusalList?) throws -> SweepHeader {
    let nothing = Realignment.nothing(
      models: bundle.alignedModels.count, hasReferencePrompt: reference.isGiven)
    let points = [nothing] + (try lambda.realignments(for: bundle, hasReferencePrompt: reference.isGiven))
    var lambdas: [String] = []
    for point in points.sorted(by: { ($0.lambdas + [$0.prompt]).lexicographicallyPrecedes($1.lambdas + [$1.prompt]) }) {
      let text = point.description(models: bundle.alignedModels, hasReferencePrompt: reference.isGiven)
      if lambdas.last != text { lambdas.append(text) }
    }
    guard prompts.tokens.count * lambdas.count <= SweepHeader.sampleLimit / seeds else {
      throw ValidationError("the sweep has more than \(SweepHeader.sampleLimit) answers; split it")
    }
    var settings = sampling.settings
    settings["bundle"] = try bundle.fingerprint()
    settings["prompts"] = prompts.fingerprint
    settings[SweepHeader.referencePromptSetting] = prompts.referenceFingerprint
    settings["kv"] = runtime.precision.kv.rawValue
    settings["activations"] = runtime.precision.activations(for: bundle).rawValue
    settings["blend"] = runtime.blending.blend.rawValue
    settings["context"] = "\(runtime.contextLength(for: bundle))"
    settings["refusals"] = refusals?.fingerprint
    let rewards = try reward.map { try RewardOption($0) }
    for reward in rewards { settings["reward.\(reward.name)"] = try reward.setting() }
    return SweepHeader(
      bundle: String(bundle.path.split(separator: "/").last ?? ""), models: bundle.manifest.models, settings: settings,
      lambdas: lambdas, seeds: seeds, prompts: prompts.shown, rewards: rewards.map(\.name), shard: shard)
  }
}

extension Shard: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
  package var defaultValueDescription: String { self == .whole ? "all" : description }
}

/// How a sweep samples: by default the blend itself, neither truncated nor heated.
struct SweepSampling: ParsableArguments {
  @Option(
    name: [.customShort("n"), .long], parsing: .unconditional,
    help: ArgumentHelp("Longest answer.", valueName: "tokens"))
  var maxTokens = 128
  @OptionGroup var distribution: DistributionArguments<BlendDefaults>
  @Option(parsing: .unconditional, help: ArgumentHelp("The first seed.", valueName: "number"))
  var seed: UInt64 = 0

  func validate() throws { _ = try options() }

  /// - Throws: `ValidationError` for the first value outside its range.
  func options() throws -> GenerationOptions {
    var options = GenerationOptions()
    options.maxTokens = maxTokens
    distribution.apply(to: &options)
    if maxTokens < 1 { throw ValidationError("--max-tokens must be at least 1") }
    return try options.validated()
  }

  /// The settings that decide an answer, as a sweep's file records them.
  var settings: [String: String] {
    var settings = [
      "max_tokens": "\(maxTokens)", "temperature": "\(distribution.temperature)", "top_k": "\(distribution.topK)",
      "top_p": "\(distribution.topP)", "plausible": "\(distribution.plausible)", "seed": "\(seed)",
    ]
    if !distribution.stop.isEmpty { settings["stop"] = distribution.stop.map { "\"\($0)\"" }.joined(separator: " ") }
    return settings
  }
}
