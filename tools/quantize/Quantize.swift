import ArgumentParser
import Conversion

@main
struct Quantize: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dera-quantize",
    abstract: "Makes one DeRa bundle of a reference model and the models aligned from it.",
    discussion: """
      The reference is a model after supervised fine-tuning, the aligned models were trained from it towards a reward \
      (DPO, PPO, …). The bundle holds all of them, tensors that are identical only once, packed as the kernels read \
      them. `dera run` then blends the models with any strength λ, without further training.

      PATH is a Hugging Face directory (config.json and *.safetensors) or a GGUF model. An aligned model may also be a \
      PEFT LoRA adapter directory or a GGUF adapter; its factors are stored as they are and added to the reference.

      EXAMPLES
        A pair in 8 bits:
          dera-quantize --reference mistral-7b-sft-beta --aligned zephyr-7b-beta --output zephyr.dera
        A LoRA adapter, named for --lambda, in 4 bits:
          dera-quantize --reference SmolLM2-135M-Instruct --aligned polite=./dpo-lora --bits 4 --output polite.dera
        A fully fine-tuned model, as a small difference:
          dera-quantize --reference sft --aligned dpo --delta ternary --output small.dera
        Two rewards, and the figures for a script:
          dera-quantize --reference sft --aligned brief --aligned happy --output stories.dera --json
        Then:
          dera run zephyr.dera --lambda 0.5 "Why is the sky blue?"

      An existing output file is replaced, but only once the new one is complete. Nothing is left behind on an error or \
      Ctrl-C. The same input and options always give the same bytes.
      """,
    version: "dera-quantize \(Converter.version)")

  @Option(help: ArgumentHelp("The model that λ = 0 gives.", valueName: "[name=]path"))
  var reference: String

  @Option(
    help: ArgumentHelp(
      "A model that λ = 1 gives; may be repeated. NAME is what --lambda NAME=… of dera calls it.",
      valueName: "[name=]path"))
  var aligned: [String] = []

  @Option(help: "Bits of a matrix weight: 16 (exact to half precision), 8, 6 or 4.")
  var bits: Bits = .eight

  @Option(
    help: ArgumentHelp(
      "How what aligned models change of a matrix is stored: \(DeltaStorage.rule). All but own store the difference of "
        + "the original weights, to be added to the packed reference.", valueName: "storage"))
  var delta: DeltaStorage = .own

  @Flag(help: "Merge adapters into the reference's weights instead of storing their factors.")
  var merge = false

  @Option(name: [.short, .long], help: ArgumentHelp("The bundle to write.", valueName: "file.dera"))
  var output: String

  @Flag(help: "Refuse weights that are NaN or infinite instead of storing them as 0 and ±65504 with a warning.")
  var strict = false

  @Flag(help: "Print the final figures as one JSON object.")
  var json = false

  @Flag(name: [.short, .long], help: "Print nothing but warnings and errors.")
  var quiet = false

  enum Bits: String, CaseIterable, ExpressibleByArgument {
    case sixteen = "16"
    case eight = "8"
    case six = "6"
    case four = "4"

    var value: ConversionOptions.Bits {
      switch self {
      case .sixteen: .sixteen
      case .eight: .eight
      case .six: .six
      case .four: .four
      }
    }
  }

  func run() async throws {
    Interruption.install()
    let bar = quiet ? nil : ProgressBar.onTerminal()
    do {
      var report = try await convert(bar)
      bar?.clear()
      report.peakMemoryBytes = ProcessMemory.peakBytes
      for warning in report.warnings { StandardError.print("dera-quantize: warning: \(warning)") }
      if json {
        try StandardOutput.print(try report.json())
      } else if !quiet {
        try StandardOutput.print(report.text)
      }
    } catch {
      bar?.clear()
      StandardError.print("dera-quantize: \(error)")
      throw ExitCode(error is Interruption ? Interruption.exitCode : 1)
    }
  }

  private func convert(_ bar: ProgressBar?) async throws -> ConversionReport {
    let models = try NamedCheckpoint.open(([reference] + aligned).map(ModelArgument.init))
    let converter = try Converter(
      reference: models[0], aligned: Array(models.dropFirst()),
      options: ConversionOptions(bits: bits.value, delta: delta, mergesAdapters: merge, isStrict: strict))
    return try await converter.convert(to: output) { progress in
      try Interruption.check()
      bar?.show(progress)
    }
  }
}

extension DeltaStorage: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
  public var defaultValueDescription: String { name }
}
