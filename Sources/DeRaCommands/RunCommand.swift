import ArgumentParser
import DeRa
import DeRaChatTemplate
import DeRaConsole

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Answers one prompt.",
    discussion: """
      The answer alone goes to standard output as it is made; one line of figures follows on standard error. The \
      prompt is put into the bundle's chat template if it has one, unless --raw is given.

      Examples:
        dera run model.dera "Why is the sky blue?"
        dera run model.dera --lambda 0.5 --temperature 0 -n 100 "Why is the sky blue?"
        dera run rewards.dera --lambda brief=0.5,happy=0.3 --seed 7 --raw "Once upon a time"
        git diff | dera run model.dera --system "Summarise this change."
        dera run model.dera --system "Answer in lower case." --reference-without-system --lambda 1.5 "Tell me IN CAPITALS."
        dera run model.dera --json-schema person.json "Invent a person."
        dera run --server http://pi:8080 --lambda 0.5 "Why is the sky blue?"
      """)

  @Argument(
    help: "The model bundle, a .dera or .dera.lz4 file; with --server there is none.",
    completion: .file(extensions: ["dera", "lz4"]))
  var bundle: String?
  @Argument(help: "The prompt; - or none reads standard input, without one final newline.") var prompt: String?
  @Option(
    help: ArgumentHelp("Ask a running server (dera serve) instead; the model is there.", valueName: "url"))
  var server: String?
  @OptionGroup var key: ServerKeyArgument
  @OptionGroup(title: "Alignment") var lambda: LambdaArgument
  @Flag(help: "Print one JSON object with the answer and all figures instead.") var json = false
  @OptionGroup(title: "Prompt") var system: SystemArgument
  @OptionGroup(title: "Prompt") var prompting: RawPromptArguments
  @OptionGroup(title: "Reference prompt") var reference: ReferencePromptArguments
  @OptionGroup(title: "Form of the answer") var form: FormArguments
  @OptionGroup(title: "Sampling") var sampling: SamplingArguments
  @OptionGroup(title: "Machine") var machine: SessionArguments

  func validate() throws {
    if server != nil {
      try validateForServer()
    } else if bundle == nil {
      throw ValidationError("there is no bundle; give a .dera file, or --server and a URL")
    }
    if prompting.raw && system.text != nil {
      throw ValidationError("--system needs the chat template, so it does not go with --raw")
    }
    if prompting.raw && (reference.referenceSystem != nil || reference.referenceWithoutSystem) {
      throw ValidationError("with --raw, give the whole reference prompt by --reference-prompt")
    }
  }

  func run() throws {
    if let server { return try run(at: server) }
    let bundle = try openBundle(bundle ?? "")
    let realignment = try lambda.realignment(for: bundle, hasReferencePrompt: reference.isGiven)
    var format = try prompting.format(bundle)
    format.tokenLimit = machine.runtime.contextLength(for: bundle)
    try PromptArguments.check(system: system.text ?? reference.wantedSystem, format)
    let text = try promptText()
    let tokens = try tokens(format, system: system.text, text: text)
    let referenceTokens = try reference.isGiven ? referenceTokens(format, text) : nil
    if let referenceTokens { reference.note(realignment, prompt: tokens, reference: referenceTokens) }
    let session = try machine.session(bundle, realignment, hasReferencePrompt: reference.isGiven)
    var options = try sampling.options()
    options.furtherEnds = Set(format.furtherEnds.map(\.id))
    options.constraint = try form.constraint(for: bundle)
    let isQuiet = json
    let generation = try Interrupt.during {
      try session.generate(prompt: tokens, reference: referenceTokens, realignment: realignment, options: options) {
        text in
        if !isQuiet { try Output.write(text) }
        return !Interrupt.isRequested
      }
    }
    try show(
      generation, RunReport(generation, session: session, realignment: realignment),
      lambda: realignment.description(models: bundle.alignedModels, hasReferencePrompt: reference.isGiven))
  }

  /// Shows what is left to show of an answer that has been written.
  func show(_ generation: Generation, _ report: RunReport, lambda: String) throws {
    if json {
      try Output.write(try jsonText(report))
    } else {
      if let last = generation.text.last, !last.isNewline { try Output.write("\n") }
      Output.note(report.summary)
      if let remark = generation.remark(lambda: lambda) {
        Output.note(remark)
      }
    }
    if form.isGiven, generation.finishReason == .length {
      Output.note("--max-tokens cut the answer before it was complete in its form.")
    }
    if generation.finishReason == .cancelled { throw ExitCode.interrupted }
  }

  /// The prompt, which is the only argument where a server has the bundle.
  func promptText() throws -> String {
    let argument = server == nil ? prompt : bundle
    if argument == nil && Input.isTerminal {
      throw ValidationError("there is no prompt; give one as an argument or on standard input")
    }
    let text = try argument.flatMap { $0 == Input.name ? nil : $0 } ?? Input.readPrompt()
    if text.isEmpty {
      guard prompting.raw else {
        throw StreamError(
          description: "the prompt is empty; give one as an argument or on standard input, or --raw to begin a text")
      }
      Output.note("The prompt is empty: the model begins a text of its own.")
    }
    return text
  }

  private func referenceTokens(_ format: PromptFormat, _ text: String) throws -> [Int32] {
    let parts = try reference.parts(system: system.text, text: text)
    return try tokens(format, system: parts.system, text: parts.text)
  }

  private func tokens(_ format: PromptFormat, system: String?, text: String) throws -> [Int32] {
    if prompting.raw || !format.hasTemplate {
      return try format.tokens(text: text)
    }
    let start = system.map { [TemplateMessage(role: "system", content: $0)] } ?? []
    return try format.tokens(messages: start + [TemplateMessage(role: "user", content: text)])
  }
}
