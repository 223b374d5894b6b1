// One prompt under many λ, all at once: swift run -c release LambdaSweep BUNDLE PROMPT
import DeRa

@main struct LambdaSweep {
  static let strengths = [-0.5, 0, 0.5, 1, 2]

  static func main() async throws {
    guard CommandLine.arguments.count >= 3 else {
      return print("usage: swift run -c release LambdaSweep BUNDLE PROMPT")
    }
    let bundle = try ModelBundle(path: CommandLine.arguments[1])
    let prompt = Prompt.text(CommandLine.arguments[2])
    let batch = try bundle.batch(sequences: strengths.count, context: 256)
    let options = GenerationOptions(temperature: 1, seed: 1, maxTokens: 60)
    var texts: [Double: String] = [:]
    try await withThrowingTaskGroup { group in
      for strength in strengths {
        group.addTask { (strength, try await batch.answer(prompt, lambda: Lambda(strength), options: options).text) }
      }
      for try await (strength, text) in group { texts[strength] = text }
    }
    for strength in strengths { print("λ = \(strength): \(texts[strength] ?? "")\n") }

    // Which token each strength would choose next.
    let session = try bundle.session(context: 256)
    let logits = try await session.logits(of: bundle.tokens(of: prompt), lambdas: strengths.map { Lambda($0) })
    for (strength, row) in zip(strengths, logits) {
      guard let best = row.indices.max(by: { row[$0] < row[$1] }) else { continue }
      print("λ = \(strength): '\(try bundle.text(of: [Int32(best)]))' has the largest logit, \(row[best])")
    }
  }
}
