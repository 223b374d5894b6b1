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
        dera run model.dera --json-schema person.json "Invent a person."
      """)

  @OptionGroup var bundle: BundleArgument
  @Argument(help: "The prompt; - or none reads standard input, without one final newline.") var prompt: String?
  @OptionGroup(title: "Alignment") var lambda: LambdaArgument
  @Option(name: .customLong("system"), help: ArgumentHelp("System prompt.", valueName: "text")) var system: String?
  @Flag(help: "Continue the prompt as it is, without the chat template.") var raw = false
  @Flag(help: "Print one JSON object with the answer and all figures instead.") var json = false
  @OptionGroup(title: "Prompt") var prompting: PromptArguments
  @OptionGroup(title: "Form of the answer") var form: FormArguments
  @OptionGroup(title: "Sampling") var sampling: SamplingArguments
  @OptionGroup(title: "Machine") var machine: SessionArguments

  func validate() throws {
    if raw && prompting.chatTemplate != nil {
      throw ValidationError("--raw leaves the chat template out, so --chat-template does not go with it")
    }
    if raw && system != nil { throw ValidationError("--system needs the chat template, so it does not go with --raw") }
  }

  func run() throws {
    if prompt == nil && Input.isTerminal {
      throw ValidationError("there is no prompt; give one as an argument or on standard input")
    }
    let bundle = try bundle.open()
    let realignment = try lambda.realignment(for: bundle)
    let format = try prompting.format(bundle)
    let tokens = try promptTokens(format)
    let session = try machine.session(bundle, realignment)
    var options = try sampling.options()
    options.furtherEnds = Set(format.furtherEnds.map(\.id))
    options.constraint = try form.constraint(for: bundle)
    let isQuiet = json
    let generation = try Interrupt.during {
      try session.generate(prompt: tokens, realignment: realignment, options: options) { text in
        if !isQuiet { try Output.write(text) }
        return !Interrupt.isRequested
      }
    }
    let report = RunReport(generation, session: session, realignment: realignment)
    if json {
      try Output.write(try jsonText(report))
    } else {
      if let last = generation.text.last, !last.isNewline { try Output.write("\n") }
      Output.note(report.summary)
      if let remark = generation.remark(lambda: realignment.description(models: bundle.alignedModels)) {
        Output.note(remark)
      }
    }
    if options.constraint != nil, generation.finishReason == .length {
      Output.note("--max-tokens cut the answer before it was complete in its form.")
    }
    if generation.finishReason == .cancelled { throw ExitCode.interrupted }
  }

  private func promptTokens(_ format: PromptFormat) throws -> [Int32] {
    let text = try prompt.flatMap { $0 == Input.name ? nil : $0 } ?? Input.readPrompt()
    if text.isEmpty {
      guard raw else {
        throw StreamError(
          description: "the prompt is empty; give one as an argument or on standard input, or --raw to begin a text")
      }
      Output.note("The prompt is empty: the model begins a text of its own.")
    }
    if raw || !format.hasTemplate {
      if system != nil { throw ValidationError("the bundle has no chat template, so --system has no place to go") }
      return try format.tokens(text: text)
    }
    let start = system.map { [TemplateMessage(role: "system", content: $0)] } ?? []
    return try format.tokens(messages: start + [TemplateMessage(role: "user", content: text)])
  }
}
