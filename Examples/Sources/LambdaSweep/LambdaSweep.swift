// One prompt under many λ, all at once: swift run LambdaSweep BUNDLE PROMPT
import DeRa

@main struct LambdaSweep {
  static func main() async throws {
    let bundle = try ModelBundle(path: CommandLine.arguments[1])
    let prompt = Prompt.text(CommandLine.arguments[2])
    let lambdas: [Lambda] = [-0.5, 0, 0.5, 1, 2]
    let batch = try bundle.batch(sequences: lambdas.count, context: 256)
    let answers = try await withThrowingTaskGroup { group in
      for (index, lambda) in lambdas.enumerated() {
        group.addTask {
          (
            index,
            try await batch.answer(prompt, lambda: lambda, options: .init(temperature: 1, seed: 1, maxTokens: 60))
          )
        }
      }
      return try await group.reduce(into: [Int: Generation]()) { $0[$1.0] = $1.1 }
    }
    for (index, lambda) in [-0.5, 0, 0.5, 1, 2].enumerated() {
      print("λ = \(lambda): \(answers[index]?.text ?? "")\n")
    }

    // How sure the models are of the next token, for the same λ.
    let session = try bundle.session(context: 256)
    let logits = try await session.logits(of: bundle.tokens(of: prompt), lambdas: lambdas)
    for (lambda, row) in zip([-0.5, 0, 0.5, 1, 2], logits) {
      guard let best = row.indices.max(by: { row[$0] < row[$1] }) else { continue }
      print("λ = \(lambda): '\(try bundle.text(of: [Int32(best)]))' has the largest logit, \(row[best])")
    }
  }
}
