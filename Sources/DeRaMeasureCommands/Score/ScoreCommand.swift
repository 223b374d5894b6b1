import ArgumentParser
import DeRa
import DeRaCommands
import DeRaConsole
import DeRaEvaluation
import DeRaKernels

struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: Handover.score.command,
    abstract: Handover.score.abstract,
    discussion: """
      Reads JSON lines, each optionally with an "id", and prints one for each, with a result for every λ. Text is cut into \
      tokens as lm-evaluation-harness does it; logarithms are natural.

      {"context": …, "continuation": …}, both text or both lists of token ids, gives \
      {"id": …, "results": [{"lambda": "0.5", "log_likelihood": -3.2, "is_greedy": false}, …], "tokens": 4}.
      {"text": …} gives the same of a whole text, however long, in windows (rolling log-likelihood).
      {"context": …, "until": ["\\n"], "max_tokens": 64, "temperature": 0, "seed": 7} gives \
      {"results": [{"lambda": "0.5", "text": " blue", "finish_reason": "stop"}, …], "tokens": 3}; all but the context may \
      be left out, but "until" or "max_tokens" must be there.

      Examples:
        echo '{"context": "The sky is", "continuation": " blue"}' | dera score model.dera --file - --lambda 0:1:0.5
        dera score model.dera --file requests.jsonl --lambda 0.5 > scores.jsonl
      """)

  @OptionGroup var bundle: BundleArgument
  @Option(
    name: [.short, .long], help: ArgumentHelp("The requests; - reads standard input.", valueName: "jsonl"),
    completion: .file(extensions: ["jsonl"]))
  var file: String
  @OptionGroup(title: "Alignment") var lambda: LambdaListArgument
  @Flag(help: "Print one JSON array instead of a line for each request.") var json = false
  @OptionGroup(title: "Machine") var runtime: RuntimeArguments

  func run() throws {
    let bundle = try bundle.open()
    let scoring = try Scoring(bundle, try lambda.realignments(for: bundle), runtime)
    var replies: [ScoreReply] = []
    try withText(file) { text in
      let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      let progress = ProgressLine(total: lines.count)
      try Interrupt.during {
        defer { progress.clear() }
        for (index, line) in lines.enumerated() where !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) {
          try Interrupt.check()
          let place = "\(sourceName(file)), line \(index + 1)"
          let request = try fromJSON(ScoreRequest.self, Array(line), name: place)
          // A misspelt option would give another figure than was asked for.
          if let name = try unknownMembers(Array(line), known: ScoreRequest.members, name: place).first {
            let known = ScoreRequest.members.joined(separator: ", ")
            throw StreamError(description: "\(place): there is no member \"\(name)\"; a request may have \(known)")
          }
          let reply = try located(place) { try scoring.reply(to: request) }
          if json { replies.append(reply) } else { try Output.write(try jsonText(reply, pretty: false)) }
          progress.update(index + 1, "line \(index + 1) of \(lines.count)")
        }
      }
    }
    if json { try Output.write(jsonText(replies)) }
  }
}
