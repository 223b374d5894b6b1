import DeRa

@main struct Story {
  static func main() async throws {
    let bundle = try ModelBundle(path: CommandLine.arguments[1])
    let story = try bundle.session().stream("Once upon a time", lambda: 0, options: .init(seed: 7, maxTokens: 80))
    for try await piece in story {
      print(piece, terminator: "")
      story.lambda = 1
    }
  }
}
