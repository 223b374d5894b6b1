import ArgumentParser
import DeRa
import DeRaConsole

/// `dera run --server`: the same answer from a model that runs elsewhere.
extension RunCommand {
  func validateForServer() throws {
    if prompt != nil { throw ValidationError("with --server there is no bundle: give the prompt alone") }
    try refuseForServer(prompting.prompting.given + machine.given)
    if form.regex != nil {
      throw ValidationError("OpenAI's interface has no field for --regex; use --json-schema with a pattern")
    }
    if prompting.raw && reference.isGiven {
      throw ValidationError("OpenAI's interface has no reference prompt for --raw; leave one of them out")
    }
  }

  func run(at url: String) throws {
    let server = try key.session(url)
    let realignment = try lambda.realignment(for: server, hasReferencePrompt: reference.isGiven)
    let text = try promptText()
    let start = system.text.map { [Message(role: "system", content: $0)] } ?? []
    var request = ServerSession.Request(
      prompting.raw ? .text(text) : .messages(start + [Message(role: "user", content: text)]),
      reference: try ReferenceConversation(reference), realignment: realignment, options: try sampling.options())
    request.format = try form.responseFormat()
    if reference.isGiven {
      let remark = ReferencePromptArguments.remark(realignment).map { " " + $0 } ?? ""
      Output.note("Reference prompt: \(reference.state).\(remark)")
    }
    let generation = try Interrupt.during {
      try server.answer(request) { text in
        if !json { try Output.write(text) }
        return !Interrupt.isRequested
      }
    }
    if generation.finishReason == .cancelled, !json {
      Output.note("\nStopped by Ctrl-C; the server has stopped too.")
      throw ExitCode.interrupted
    }
    let report = RunReport(generation, server: server, realignment: realignment)
    try show(
      generation, report,
      lambda: realignment.description(models: server.alignedModels, hasReferencePrompt: reference.isGiven))
  }
}
