import ArgumentParser
import DeRa
import DeRaConsole
import FoundationEssentials

/// The key of a server.
struct ServerKeyArgument: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A file whose first line is the server's key; DERA_API_KEY may hold it instead.", valueName: "file"),
    completion: .file())
  var apiKeyFile: String?

  func session(_ address: String) throws -> ServerSession {
    try ServerSession(ServerClient(try ServerAddress(address), key: try key()))
  }

  /// - Throws: `StreamError` for a file without a key, and what reading it throws.
  private func key() throws -> String? {
    guard let apiKeyFile else {
      return ProcessInfo.processInfo.environment["DERA_API_KEY"].flatMap { $0.isEmpty ? nil : $0 }
    }
    let lines = try readText(apiKeyFile).split(whereSeparator: \.isNewline).map { $0.filter { !$0.isWhitespace } }
    guard let key = lines.first(where: { !$0.isEmpty && $0.first != "#" }) else {
      throw StreamError(description: "\(apiKeyFile) holds no key")
    }
    return key
  }
}

extension LambdaArgument {
  /// λ of a server's answers: the server's own unless one is given.
  func realignment(for server: ServerSession, hasReferencePrompt: Bool) throws -> Realignment {
    guard server.isOurs || texts.isEmpty && !hasReferencePrompt else {
      throw refuse(
        texts.isEmpty ? "--reference-system" : "--lambda",
        "\(server.client.address) is no dera server: it has one model and one prompt")
    }
    guard !texts.isEmpty else { return server.lambda }
    return try realignment(models: server.alignedModels, hasReferencePrompt: hasReferencePrompt)
  }
}

extension SessionArguments {
  /// Options that were given and that only the process which runs the model can heed.
  var given: [String] {
    let options: [(String, Bool)] = [
      ("--threads", runtime.threads.count != nil), ("--context", runtime.context != nil),
      ("--kv", runtime.precision.kv != .f16), ("--activations", runtime.precision.activations != nil),
      ("--blend", runtime.blending.blend != .logits), ("--memory-limit", limits.memoryLimit != nil),
      ("--resident-limit", limits.residentLimit != nil),
    ]
    return options.filter(\.1).map(\.0)
  }
}

extension PromptArguments {
  /// The same of options about the prompt's layout.
  var given: [String] {
    (template.chatTemplate == nil ? [] : ["--chat-template"]) + (parseSpecial ? ["--parse-special"] : [])
  }
}

/// - Throws: `ValidationError` where options are given that only the server itself could heed.
func refuseForServer(_ options: [String]) throws {
  guard !options.isEmpty else { return }
  throw ValidationError(
    "\(options.joined(separator: ", ")): that is the server's to decide, by the options that it was started with")
}
