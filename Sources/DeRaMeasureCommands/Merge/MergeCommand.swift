import ArgumentParser
import DeRaCommands
import DeRaConsole
import DeRaEvaluation
import DeRaPlatform

package struct MergeCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: Handover.merge.command,
    abstract: Handover.merge.abstract,
    discussion: """
      Takes what each shard of a sweep or of a frontier (directories) or of a perplexity measurement (files) left, all of \
      them and in any order, and writes what the whole job would have written in one process, byte for byte; a frontier's \
      speeds and resident memory are those that the shards measured.

      Examples:
        dera sweep m.dera --prompts p.jsonl --lambda '0;1' --shard 1/2 -o part1
        dera sweep m.dera --prompts p.jsonl --lambda '0;1' --shard 2/2 -o part2
        dera merge part1 part2 -o whole

        dera perplexity m.dera --file t.txt --lambda '0;1' --shard 1/2 > part1.jsonl
        dera perplexity m.dera --file t.txt --lambda '0;1' --shard 2/2 > part2.jsonl
        dera merge part1.jsonl part2.jsonl

        dera frontier --reference sft --aligned dpo --file t.txt --shard 1/2 -o part1
        dera frontier --reference sft --aligned dpo --file t.txt --shard 2/2 -o part2
        dera merge part1 part2 -o whole
      """)

  @Argument(help: "The shards' directories or files; - reads a perplexity's from standard input.", completion: .file())
  var parts: [String]
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where a sweep's or frontier's results go; must be new.", valueName: "directory"),
    completion: .directory)
  var output: String?
  @Flag(exclusivity: .exclusive, help: "Print a table to read, tab-separated values (perplexity) or JSON.")
  var format = ReportFormat.text

  package init() {}

  package func run() throws {
    if let frontier = try mergedFrontier() {
      try Output.write(format == .json ? try jsonText(frontier) : try frontier.report().text)
    } else if parts.allSatisfy(isDirectory) {
      let result = try mergedSweep()
      try Output.write(format == .json ? try jsonText(SweepOutput.Summary(result)) : SweepOutput.text(result))
    } else {
      if output != nil { throw ValidationError("--output is for directories; a merged perplexity report is printed") }
      try Output.write(try PerplexityPart.merged(try parts.map { try PerplexityPart(path: $0) }).formatted(format))
    }
  }

  /// Checks the shards of a frontier and writes the whole one's files; nil when the parts are something else.
  package func mergedFrontier() throws -> FrontierRecord? {
    let found = try parts.map { (name: $0, record: try FrontierRecord(folder: $0)) }
    guard found.contains(where: { $0.record != nil }) else { return nil }
    let output = try folder("frontier")
    let shards = try found.map { name, record in
      guard let record else {
        throw StreamError(description: "\(name)/\(FrontierRecord.name) is missing; was the shard run?")
      }
      return (name: name, record: record)
    }
    let whole = try FrontierRecord.merged(shards)
    let report = try whole.report()
    let lock = try WorkFolder(output)
    guard try FrontierRecord(folder: output) == nil else { throw WorkFolderError.notEmpty(output) }
    try withExtendedLifetime(lock) {
      // The record comes last: without it the folder holds no finished frontier.
      try report.write(to: output)
      try whole.write(to: output)
    }
    return whole
  }

  /// Where the results of shards in directories go.
  private func folder(_ job: String) throws -> String {
    guard let output else { throw ValidationError("--output must say where the \(job)'s results go") }
    if format == .tsv {
      throw ValidationError("a merged \(job) is not printed as tab-separated values; use --json or no format")
    }
    return output
  }

  /// Checks the shards of a sweep and writes the whole one's files.
  package func mergedSweep() throws -> SweepResult {
    let output = try folder("sweep")
    let files = try parts.map { part -> SweepFile in
      let path = "\(part)/\(SweepLog.name)"
      guard let file = try SweepFile(path: path) else {
        throw StreamError(description: "\(path) is missing or empty; was the shard run?")
      }
      return file
    }
    try Shard.checkComplete(files.map(\.header.shard))
    var header = files[0].header
    for (file, part) in zip(files, parts) {
      var other = file.header
      if let what = header.difference(from: other) { throw MergeError.different(name: part, what: what) }
      other.shard = header.shard
      guard other == header else {
        throw MergeError.different(name: part, what: "list of λ, seeds, prompts or rewards")
      }
      try file.checkComplete(name: part)
    }
    header.shard = .whole
    let result = try SweepResult(header: header, records: files.flatMap(\.records))
    let texts = try SweepOutput.files(result)
    // Takes the directory, so that nobody else works on it meanwhile.
    let log = try SweepLog(directory: output, header: header, vocabulary: nil)
    guard log.known.isEmpty else { throw WorkFolderError.notEmpty(output) }
    try withExtendedLifetime(log) { try SweepOutput.write(texts, to: output) }
    return result
  }
}

private func isDirectory(_ path: String) -> Bool {
  var info = stat()
  return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
}
