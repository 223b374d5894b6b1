// A conversation on the terminal: swift run -c release Chat BUNDLE [λ]
import DeRa

@main struct Chat {
  static func main() async throws {
    guard CommandLine.arguments.count >= 2 else { return print("usage: swift run -c release Chat BUNDLE [λ]") }
    let arguments = CommandLine.arguments
    let lambda = Lambda(arguments.count > 2 ? Double(arguments[2]) ?? 1 : 1)
    let session = try ModelBundle(path: arguments[1]).session()
    var conversation: [ChatMessage] = [.system("Be brief.")]
    print("> ", terminator: "")
    while let line = readLine() {
      conversation.append(.user(line))
      let stream = session.stream(.chat(conversation), lambda: lambda, options: .init(maxTokens: 100))
      for try await piece in stream { print(piece, terminator: "") }
      guard let answer = stream.generation else { break }
      print("\n[\(answer.answerTokens) tokens, \(answer.reusedTokens) of \(answer.promptTokens) prompt tokens reused]")
      conversation.append(.assistant(answer.text))
      print("> ", terminator: "")
    }
  }
}
