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
      """)

  @OptionGroup var bundle: BundleArgument
  @Argument(help: "The prompt; - or none reads standard input, without one final newline.") var prompt: String?
  @OptionGroup(title: "Alignment") var lambda: LambdaArgument
  @Flag(help: "Print one JSON object with the answer and all figures instead.") var json = false
  @OptionGroup(title: "Prompt") var system: SystemArgument
  @OptionGroup(title: "Prompt") var prompting: RawPromptArguments
  @OptionGroup(title: "Reference prompt") var reference: ReferencePromptArguments
  @OptionGroup(title: "Form of the answer") var form: FormArguments
  @OptionGroup(title: "Sampling") var sampling: SamplingArguments
  @OptionGroup(title: "Machine") var machine: SessionArguments

  func validate() throws {
    if prompting.raw && system.text != nil {
      throw ValidationError("--system needs the chat template, so it does not go with --raw")
    }
    if prompting.raw && (reference.referenceSystem != nil || reference.referenceWithoutSystem) {
      throw ValidationError("with --raw, give the whole reference prompt by --reference-prompt")
    }
  }

  func run() throws {
    if prompt == nil && Input.isTerminal {
      throw ValidationError("there is no prompt; give one as an argument or on standard input")
    }
    let bundle = try bundle.open()
    let realignment = try lambda.realignment(for: bundle, hasReferencePrompt: reference.isGiven)
    let format = try prompting.format(bundle)
    try PromptArguments.check(system: system.text ?? reference.wantedSystem, format)
    let text = try promptText()
    let tokens = try tokens(format, system: system.text, text: text)
    let referenceTokens = try reference.isGiven ? referenceTokens(format, text) : nil
    if let referenceTokens { reference.note(realignment, prompt: tokens.count, reference: referenceTokens.count) }
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

  private func promptText() throws -> String {
    let text = try prompt.flatMap { $0 == Input.name ? nil : $0 } ?? Input.readPrompt()
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
