// A story whose λ changes while it is told: swift run -c release Story BUNDLE
import DeRa

@main struct Story {
  static func main() async throws {
    guard CommandLine.arguments.count >= 2 else { return print("usage: swift run -c release Story BUNDLE") }
    let bundle = try ModelBundle(path: CommandLine.arguments[1])
    let story = try bundle.session().stream("Once upon a time", lambda: 0, options: .init(seed: 7, maxTokens: 80))
    for try await piece in story {
      print(piece, terminator: "")
      story.lambda = 1
    }
  }
}
