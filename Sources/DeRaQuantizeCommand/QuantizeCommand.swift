import ArgumentParser
import DeRa
import DeRaConsole
import DeRaConversion
import DeRaPlanning
import DeRaPlatform
import DeRaTensorCore
import DeRaText
import Synchronization

/// The command `dera-quantize`.
package struct QuantizeCommand: AsyncParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "dera-quantize",
    abstract: "Makes one DeRa bundle of a reference model and the models aligned from it.",
    discussion: """
      The reference is a model after supervised fine-tuning. The aligned models were trained from it towards a reward \
      (DPO, PPO, …). The bundle holds all of them in the form that the kernels read, and stores identical tensors once. \
      `dera run` then blends the models with any strength λ, without further training.

      PATH is a Hugging Face directory (config.json and *.safetensors) or a GGUF model. An aligned model may also be a \
      LoRA adapter of PEFT, mlx-lm or GGUF; the bundle stores its two factors.

      --bits and --delta set one format for all matrices. --budget and --target-kl let the storage planner choose one for \
      each matrix: the best blend in a file of that size, or the smallest file that close to full precision. The planner \
      tries every codec on rows of every matrix and predicts how far each moves the models' answers. The prediction's \
      constants were measured on SmolLM2 and other small models. With --calibration, weights are quantised with error \
      feedback (GPTQ), and the planner measures the answers of these models on a held-out quarter of your text, at both \
      ends of --lambda-range, against a temporary 16-bit bundle beside the output. --tensor overrides the format of single \
      matrices. --explain shows the formats of one matrix. --dry-run shows the plan and writes nothing.

      Examples:
        A pair in 8 bits:
          dera-quantize --reference mistral-7b-sft-beta --aligned zephyr-7b-beta --output zephyr.dera
        A LoRA adapter, named for --lambda, in 4 bits:
          dera-quantize --reference SmolLM2-135M-Instruct --aligned polite=./dpo-lora --bits 4 --output polite.dera
        A fully fine-tuned model, stored as a small difference:
          dera-quantize --reference sft --aligned dpo --delta ternary --output small.dera
        An adapter, as close to full precision as the size of 8 bits allows:
          dera-quantize --reference SmolLM2-135M-Instruct --aligned polite=./dpo-lora --budget 149.9MB \
      --calibration default --activations int16 --output exact.dera
        4 bits with error feedback:
          dera-quantize --reference sft --aligned dpo --bits 4 --calibration default --output small.dera
        The best pair in 120 MB, and its plan without writing it:
          dera-quantize --reference sft --aligned dpo --budget 120MB --output small.dera
          dera-quantize --reference sft --aligned dpo --budget 120MB --dry-run --explain blk.0.attn_v.weight
        The smallest pair within 0.02 nats of full precision for λ from -1 to 3:
          dera-quantize --reference sft --aligned dpo --target-kl 0.02 --lambda-range -1:3 --calibration text.txt \
      --output close.dera
        Two rewards, with the figures as JSON:
          dera-quantize --reference sft --aligned brief --aligned happy --output stories.dera --json
        Then:
          dera run zephyr.dera --lambda 0.5 "Why is the sky blue?"

      λ is exact for models aligned with a KL penalty towards the reference, and a heuristic for others. No file says how a \
      model was trained. The converter warns of signs in the files: weights that are far apart, another vocabulary, another \
      chat template, a model card that names another method.

      An existing output file is replaced, but only once the new one is complete. An error or Ctrl-C leaves nothing \
      behind. The same input and options always give the same bytes.
      """,
    version: "dera-quantize \(Version.text)")

  package init() {}

  /// Parses the process's arguments, converts and ends the process.
  package static func start() async -> Never { await Program.run(Self.self) }

  @Option(help: ArgumentHelp("The model that λ = 0 gives.", valueName: "[name=]path"))
  var reference: String

  @Option(
    help: ArgumentHelp(
      "A model that λ = 1 gives. Repeatable. NAME is its name in --lambda NAME=… of dera.",
      valueName: "[name=]path"))
  var aligned: [String] = []

  @Option(help: "Bits of a matrix weight: 16 (exact to half precision), 8, 6 or 4. (default: 8)")
  var bits: ConversionOptions.Bits?

  @Option(
    help: ArgumentHelp(
      "The format of aligned models' matrices: \(DeltaStorage.syntax). own stores the matrix whole; the others store a delta, "
        + "the difference of the original weights, which the runtime adds to the reference's matrix. A matrix that takes "
        + "fewer bytes whole is stored whole. (default: own)", valueName: "storage"))
  var delta: DeltaStorage?

  @Option(
    help: ArgumentHelp("\(ActivationCoding.help) The bundle records it as its default.", valueName: "coding"))
  var activations = ActivationCoding.int8

  @Option(
    name: .customLong("tensor"),
    help: ArgumentHelp(
      "Set the format of single matrices, which overrides all other options: \(TensorRule.syntax). In a pattern * stands for "
        + "any characters. Repeatable; the last pattern that matches counts.", valueName: "rule"))
  var rules: [TensorRule] = []

  @OptionGroup(title: "Plans") var planning: PlanningArguments

  @Flag(help: "Merge adapters into the reference's weights instead of storing their factors.")
  var merge = false

  @Option(
    help: ArgumentHelp(
      "Tokens of the bundle: same refuses models whose vocabularies differ, common leaves out tokens that only some models "
        + "have.", valueName: "tokens"))
  var vocabulary = VocabularyRule.same

  @Flag(
    help: ArgumentHelp(
      "Store an embedding table and an output matrix, or the tables of two models, twice even where they differ by no more "
        + "than their quantisers' rounding."))
  var untie = false

  @Option(name: [.short, .long], help: ArgumentHelp("The bundle to write.", valueName: "file.dera"))
  var output: String?

  @Flag(help: "Refuse weights that are NaN or infinite instead of storing them as 0 and ±65504 with a warning.")
  var strict = false

  @OptionGroup var template: ChatTemplateOption

  @Flag(help: "Print the final figures as one JSON object.")
  var json = false

  @Flag(name: [.short, .long], help: "Print nothing but warnings and errors.")
  var quiet = false

  /// Lets a program that converts in many ways find a mistake before the first.
  @Flag(help: .hidden)
  var checkOnly = false

  enum VocabularyRule: String, CaseIterable, ExpressibleByArgument { case same, common }

  package func validate() throws {
    if let output, output.hasSuffix(PackedBundle.suffix) {
      let name = output.dropLast(PackedBundle.suffix.count)
      throw ValidationError(
        "a bundle is written unpacked: give --output \(name); dera pack \(name) then makes \(output)")
    }
    if output == nil && !planning.dryRun { throw ValidationError("Give the bundle to write: --output FILE.dera") }
    if planning.explain != nil, quiet, !json { throw ValidationError("--explain prints; leave out --quiet") }
    guard planning.goal != nil else { return }
    if bits != nil {
      throw ValidationError(
        "--budget and --target-kl choose the bits; leave out --bits, or fix some matrices with --tensor")
    }
    if delta != nil {
      throw ValidationError(
        "--budget and --target-kl choose the deltas; leave out --delta, or fix some matrices with --tensor")
    }
  }

  package func run() async throws {
    if checkOnly { return try check() }
    Interrupt.watch(Interrupt.endings)
    let line = ProgressLine(total: 1, hasBar: true, isShown: !quiet)
    defer { line.clear() }
    let result = try await convert(line)
    line.clear()
    try print(result)
  }

  /// Reads the options and whatever they name, but no weights.
  private func check() throws {
    _ = try converter()
    _ = try planning.request(output: output)
  }

  private func convert(_ line: ProgressLine) async throws -> Planning.Result {
    let converter = try converter()
    if let output { try converter.reserve(output) }
    let progress = Self.progress(on: line)
    var inputs = try converter.readInputs(progress)
    try inputs.apply(rules)
    var task = Planning(inputs, try planning.request(output: output), progress)
    return try await task.run()
  }

  private func converter() throws -> Converter {
    let models = try NamedCheckpoint.open(([reference] + aligned).map(ModelArgument.init))
    var options = ConversionOptions(
      bits: bits ?? .eight, delta: delta ?? .own, activations: activations, mergesAdapters: merge,
      isStrict: strict)
    options.goal = planning.goal
    options.chatTemplate = try template.source()
    options.leavesOutOtherTokens = vocabulary == .common
    options.keepsEqualTables = untie
    return try Self.converter(models, options)
  }

  private static func converter(_ models: [NamedCheckpoint], _ options: ConversionOptions) throws -> Converter {
    do throws(ConversionError) {
      return try Converter(reference: models[0], aligned: Array(models.dropFirst()), options: options)
    } catch {
      guard error.isAboutMissingTokens else { throw error }
      throw RemediedError("\(error). --vocabulary common leaves out the tokens that only some models have")
    }
  }

  /// An error with the option that helps.
  private struct RemediedError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
  }

  /// Shows every phase from its beginning; Ctrl-C ends the conversion at the next call.
  private static func progress(on line: ProgressLine) -> ConversionProgressHandler {
    let phase = Mutex<ConversionProgress.Phase?>(nil)
    return { progress in
      try Interrupt.check()
      let isNew = phase.withLock { phase in
        defer { phase = progress.phase }
        return phase != progress.phase
      }
      if isNew { line.restart(total: progress.total) }
      line.update(progress.done) { seconds in
        let isKnown = seconds >= ProgressLine.leastSeconds && progress.phase != .measuring
        let speed = isKnown ? " \(fixed(Double(progress.done) / seconds / 1e6, 0)) MB/s" : ""
        return "\(progress.phase.rawValue)\(speed) \(progress.item)"
      }
    }
  }

  private func print(_ result: Planning.Result) throws {
    var report = result.report
    report?.peakMemoryBytes = ProcessMemory.current()?.peakBytes
    for warning in report?.warnings ?? result.warnings { Output.warning(warning) }
    if json {
      try Output.write(report.map { try jsonText($0) } ?? jsonText(result.plan))
    } else if !quiet {
      var parts: [String] = []
      if report == nil || report?.plan != nil {
        parts.append(
          result.plan.text(
            width: Terminal.columns(STDOUT_FILENO), usesColor: Terminal.usesColor(STDOUT_FILENO)))
      }
      if let explanation = result.plan.explanation { parts.append(explanation.text) }
      if let report { parts.append(report.text) }
      let remarks = result.plan.remarks.lines
      if !remarks.isEmpty { parts.append(remarks.joined(separator: "\n")) }
      try Output.write(parts.joined(separator: "\n\n") + "\n")
    }
  }
}

extension ConversionOptions.Bits: ExpressibleByArgument {}

extension DeltaStorage: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
  package var defaultValueDescription: String { name }
}

extension TensorRule: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}
