import ArgumentParser
import DeRa
import DeRaConsole
import DeRaEvaluation
import DeRaKernels
import DeRaTokenization

struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Log-likelihoods of continuations, for evaluation harnesses.",
    discussion: """
      Reads JSON lines, {"context": …, "continuation": …} and optionally "id"; context and continuation are both text or \
      both lists of token ids. Text is cut into tokens as lm-evaluation-harness does it. For every line one is printed: \
      {"id": …, "results": [{"lambda": "0.5", "log_likelihood": -3.2, "is_greedy": false}, …], "tokens": 4}, \
      natural logarithms, a result for every λ.

      Examples:
        echo '{"context": "The sky is", "continuation": " blue"}' | dera score model.dera --file - --lambda 0,0.5,1
        dera score model.dera --file requests.jsonl --lambda 0.5 > scores.jsonl
      """)

  @OptionGroup var bundle: BundleArgument
  @Option(
    name: [.short, .long], help: ArgumentHelp("The requests; - reads standard input.", valueName: "jsonl"),
    completion: .file(extensions: ["jsonl"]))
  var file: String
  @OptionGroup var lambda: LambdaListArgument
  @OptionGroup(title: "Machine") var runtime: RuntimeArguments

  func run() throws {
    let bundle = try bundle.open()
    let realignments = try lambda.realignments(for: bundle)
    let lambdas = realignments.map { $0.description(models: bundle.alignedModels) }
    let scorer = try ContinuationScorer(
      bundle: bundle, realignments: realignments, contextLength: runtime.contextLength(for: bundle),
      engine: try runtime.engine(), cacheCodec: runtime.precision.kv, blend: runtime.blending.blend)
    try withText(file) { text in
      let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      let progress = ProgressLine(total: lines.count)
      try Interrupt.during {
        defer { progress.clear() }
        for (index, line) in lines.enumerated() where !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) {
          if Interrupt.isRequested { throw ExitCode.interrupted }
          let place = "\(file), line \(index + 1)"
          let request = try fromJSON(ScoreRequest.self, Array(line), name: place)
          do {
            let (context, continuation) = try request.tokens(bundle.tokenizer)
            let scores = try scorer.score(context: context, continuation: continuation)
            let reply = ScoreReply(id: request.id, lambdas: lambdas, scores: scores, tokens: continuation.count)
            try Output.write(try jsonText(reply, pretty: false))
          } catch let error as StreamError {
            throw error
          } catch {
            throw StreamError(description: "\(place): \(error)")
          }
          progress.update(index + 1, "line \(index + 1) of \(lines.count)")
        }
      }
    }
  }
}

/// One line of input.
package struct ScoreRequest: Decodable {
  package var id: ScoreID?
  package var context: TextOrTokens
  package var continuation: TextOrTokens

  /// - Throws: `StreamError` for a mixture of text and ids or text without a tokenizer, and what cutting throws.
  package func tokens(_ tokenizer: Tokenizer?) throws -> (context: [Int32], continuation: [Int32]) {
    switch (context, continuation) {
    case (.tokens(let context), .tokens(let continuation)): return (context, continuation)
    case (.text(let context), .text(let continuation)):
      guard let tokenizer else {
        throw StreamError(description: "the bundle has no tokenizer; give lists of token ids")
      }
      return try tokenizer.split(context: context, continuation: continuation)
    default: throw StreamError(description: "context and continuation must both be text or both be token ids")
    }
  }
}

package enum TextOrTokens: Decodable {
  case text(String)
  case tokens([Int32])

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    self =
      if let text = try? container.decode(String.self) { .text(text) } else {
        .tokens(try container.decode([Int32].self))
      }
  }
}

/// A number or a text, given back as it came.
package enum ScoreID: Codable {
  case number(Int)
  case text(String)

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    self =
      if let number = try? container.decode(Int.self) { .number(number) } else {
        .text(try container.decode(String.self))
      }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let number): try container.encode(number)
    case .text(let text): try container.encode(text)
    }
  }
}

/// One line of output.
struct ScoreReply: Encodable {
  struct Result: Encodable {
    var lambda: String
    var score: ContinuationScorer.Score

    enum CodingKeys: String, CodingKey { case lambda }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(lambda, forKey: .lambda)
      try score.encode(to: encoder)
    }
  }

  var id: ScoreID?
  var results: [Result]
  /// Tokens of the continuation.
  var tokens: Int

  init(id: ScoreID?, lambdas: [String], scores: [ContinuationScorer.Score], tokens: Int) {
    self.id = id
    self.tokens = tokens
    results = zip(lambdas, scores).map { Result(lambda: $0, score: $1) }
  }
}
