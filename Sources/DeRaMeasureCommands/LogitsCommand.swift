import ArgumentParser
import DeRa
import DeRaCommands
import DeRaConsole
import DeRaKernels
import DeRaPlatform

struct LogitsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: Handover.logits.command,
    abstract: Handover.logits.abstract,
    discussion: """
      The file is NumPy's, float32 [λ, position, vocabulary]; it appears only when it is complete.

      Examples:
        dera logits model.dera --tokens 1,2,3 --lambda 0:1:0.5 --output out.npy
        dera tokenize model.dera < text | dera logits model.dera --tokens - --lambda -1 --lambda 2 --output out.npy
      """)

  @OptionGroup var bundle: BundleArgument
  @Option(help: ArgumentHelp("Token ids, separated by commas; - reads them from standard input.", valueName: "ids"))
  var tokens: String
  @OptionGroup(title: "Alignment") var lambda: LambdaListArgument
  @Option(name: .shortAndLong, help: "The file to write.", completion: .file(extensions: ["npy"])) var output: String
  @Flag(help: "Print the file's name and shape as JSON.") var json = false
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var precision: PrecisionArguments
  @OptionGroup var blending: BlendArgument

  /// Positions whose logits are computed together.
  static let outputs = 16

  func run() throws {
    let bundle = try bundle.open()
    let realignments = try lambda.realignments(for: bundle)
    let ids = try TokenList.parse(tokens == Input.name ? Input.readText() : tokens)
    guard !ids.isEmpty else { throw ValidationError("--tokens needs at least one id") }
    let context = bundle.configuration.contextLength
    if ids.count > context {
      Output.warning(
        "\(ids.count) tokens are more than the model's context of \(context); its logits mean little beyond")
    }
    let session = try DecodingSession(
      bundle: bundle, contextLength: ids.count, engine: try precision.engine(threads: threads.count),
      maxOutputs: min(Self.outputs, ids.count), cacheCodec: precision.kv, blend: blending.blend)
    // Refuses bad ids before there is a file.
    try session.append(ids)
    guard !FileIdentity.isSame(output, bundle.path), !FileIdentity.isSame(output, self.bundle.bundle) else {
      throw OutputError.isBundle(output)
    }
    let file = try NumpyFile(
      path: output, shape: [realignments.count, ids.count, bundle.configuration.vocabularySize])
    try Interrupt.during {
      // λ after λ, because the file is: several at once would need all of a λ's logits kept until its turn.
      for realignment in realignments {
        try session.forEachLogits(of: ids, [realignment]) { _, _, logits in
          if Interrupt.isRequested { throw ExitCode.interrupted }
          guard logits.allSatisfy(\.isFinite) else { throw OutputError.notFinite }
          try file.append(logits)
        }
      }
    }
    try file.commit()
    guard json else { return }
    let lambdas = realignments.map { $0.description(models: bundle.alignedModels) }
    let vocabulary = bundle.configuration.vocabularySize
    try Output.write(jsonText(LogitsFile(path: output, lambdas: lambdas, tokens: ids.count, vocabulary: vocabulary)))
  }
}

/// The file that was written, as `dera logits --json` prints it.
private struct LogitsFile: Encodable {
  var path: String
  var lambdas: [String]
  var tokens: Int
  var vocabulary: Int
}
