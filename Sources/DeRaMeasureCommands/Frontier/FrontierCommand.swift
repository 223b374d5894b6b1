import ArgumentParser
import DeRa
import DeRaCommands
import DeRaConsole
import DeRaDigest
import DeRaEvaluation
import DeRaPlatform
import FoundationEssentials

package struct FrontierCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: Handover.frontier.command,
    abstract: Handover.frontier.abstract,
    discussion: """
      Builds bundles of a reference and its aligned models in many forms (bits of the shared matrices × storage of the \
      differences), measures each, and shows which are worth their bytes: size on disk, resident memory, speed, and for \
      every λ perplexity, KL from the 16-bit models and how often the likeliest token is the same. The models quantised \
      each on its own, as two programs would hold them, are measured beside them. Then it recommends one bundle for the \
      device and gives the command that makes it.

      The bundles are made by dera-quantize and measured by dera, as separate programs; they are removed after use unless \
      --keep is given. Finished candidates are kept in OUTPUT/frontier.json: the same command goes on where it was \
      stopped. OUTPUT also gets frontier.md, report.html and a picture for every λ. The 16-bit bundle compared with holds the \
      reference in 16 bits and the differences in 8, which is nearer to the originals than two models in 16.

      --shard i/n takes every n-th candidate, for dera merge. Sizes, perplexities, KL and with them the front are the \
      same bytes however the candidates are divided; speed and resident memory are what each machine measured, so shards \
      should run one after another or on machines of one kind.

      Examples:
        dera frontier --reference sft --aligned dpo --file text.txt --device pi4-2gb
        dera frontier --reference sft --aligned brief=a --aligned happy=b --file text.txt --lambda '0.5,0.5;1,1'
        dera frontier --reference sft --aligned dpo --file text.txt --device 150 --candidates 8+ternary,6+lowrank:8,6+sign
        dera frontier --reference sft --aligned dpo --file text.txt --shard 1/2 -o part1   (and 2/2 elsewhere; then dera merge)
      """)

  @Option(help: ArgumentHelp("The reference model, as dera-quantize takes it.", valueName: "[name=]path"))
  var reference: String
  @Option(help: ArgumentHelp("A model aligned from it. Repeatable.", valueName: "[name=]path"))
  var aligned: [String]
  @Option(
    name: [.short, .long], help: ArgumentHelp("The text to measure on; - reads standard input.", valueName: "text"),
    completion: .file())
  var file: String
  @OptionGroup(title: "Alignment") var lambda: FrontierLambdaArgument
  @OptionGroup var blending: BlendListArgument
  @Option(
    help: ArgumentHelp(
      "What the bundle is for: \(Device.known.map(\.name).joined(separator: ", ")) or megabytes for the model "
        + "(default: this machine's memory).", valueName: "device"))
  var device: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Tokens a second that the device must be able to write; 0 takes any speed.", valueName: "tokens/s"))
  var rate = Recommendation.usualRate
  @Option(
    help: ArgumentHelp(
      "Bundles to try, separated by commas; each is \(FrontierCandidate.syntax). Default: \(FrontierCandidate.standard); "
        + "for adapters \(FrontierCandidate.standardForAdapters).", valueName: "list"))
  var candidates: String?
  @Option(name: [.short, .long], help: ArgumentHelp("Folder for results.", valueName: "folder"))
  var output = "frontier"
  @Option(
    help: ArgumentHelp("Where dera and dera-quantize are (default: beside this program).", valueName: "folder"),
    completion: .directory)
  var programs: String?
  @Option(help: ArgumentHelp("Measure only this part of the candidates, such as 2/8.", valueName: "i/n"))
  var shard = Shard.whole
  @Option(
    name: [.short, .long], help: ArgumentHelp("Tokens of a chunk of text, and of the prompt.", valueName: "tokens"))
  var context = TextChunks.defaultContext
  @Option(help: ArgumentHelp("Chunks of the text to use at most.", valueName: "count")) var chunks = 16
  @OptionGroup var threads: ThreadsOption
  @Flag(help: "Keep the bundles, in OUTPUT/bundles.") var keep = false
  @Flag(help: "Print all figures as JSON.") var json = false

  static let rates = 0...1e6

  package init() {}

  package func validate() throws {
    if aligned.isEmpty { throw ValidationError("give at least one --aligned model") }
    if !(4...DecodingSession.maximumContext).contains(context) {
      throw ValidationError("--context must be from 4 to \(DecodingSession.maximumContext)")
    }
    if !Self.rates.contains(rate) { throw ValidationError("--rate must be from 0 to \(Int(Self.rates.upperBound))") }
    if !FrontierSettings.chunkRange.contains(chunks) {
      throw ValidationError("--chunks must be from 1 to \(FrontierSettings.chunkRange.upperBound)")
    }
    do {
      _ = try FrontierCandidate.list(candidates ?? FrontierCandidate.standard)
      _ = try device.map { try Device($0) }
      try lambda.check(aligned)
    } catch {
      throw ValidationError("\(error)")
    }
  }

  package func run() throws {
    let record = try frontier()
    if json {
      try Output.write(try jsonText(record))
    } else if shard == .whole {
      try Output.write(try record.report().text + "\nPictures and the whole report: \(output)\n")
    }
    if shard != .whole {
      Output.note("Part \(shard) is measured and in \(output); dera merge puts the parts together.")
    }
  }

  /// Measures what is not measured yet and writes the files.
  package func frontier() throws -> FrontierRecord {
    let settings = try FrontierSettings(
      reference: reference, aligned: aligned, file: try textFile(),
      lambda: lambda.list, context: context, chunks: chunks,
      threads: threads.count)
    let work = try FrontierRun(
      job: FrontierRecord(settings: settings, device: device, rate: rate, shard: shard),
      candidates: try candidateList(), adapters: hasAdapter, blends: try blending.blends(), folder: output,
      programs: programs ?? ChildProcess.folder, keepsBundles: keep)
    do {
      try Interrupt.during(signals: Interrupt.endings) { try work.run() }
    } catch is Interrupted {
      Output.note("Stopped. What was measured is in \(output); the same command goes on.")
      throw ExitCode.interrupted
    }
    if shard == .whole { try work.record.report().write(to: output) }
    return work.record
  }

  /// The text's path. Several programs read it, so standard input or a pipe is kept beside the results.
  private func textFile() throws -> String {
    if file != Input.name, (try? MappedFile(path: file)) != nil { return file }
    let text = try readText(file)
    let digest = Array(text.utf8).withUnsafeBytes(SHA256.hexadecimal(of:))
    let path = "\(output)/text-\(digest.prefix(16)).txt"
    try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
    if !FileManager.default.fileExists(atPath: path) { try writeFile(text, path) }
    return path
  }

  private var hasAdapter: Bool {
    aligned.contains { argument in
      let path = argument.split(separator: "=", maxSplits: 1).last.map(String.init) ?? argument
      return FileManager.default.fileExists(atPath: "\(path)/adapter_config.json")
    }
  }

  /// The candidates asked for, and the bundles of whole matrices that separate models are judged by. Each bundle is there once,
  /// whatever names it was asked for by.
  private func candidateList() throws -> [FrontierCandidate] {
    let adapters = hasAdapter
    let standard = adapters ? FrontierCandidate.standardForAdapters : FrontierCandidate.standard
    var list: [FrontierCandidate] = []
    for candidate in try FrontierCandidate.list(candidates ?? standard) {
      if let same = list.first(where: { $0.form(adapters: adapters) == candidate.form(adapters: adapters) }) {
        Output.note("\(candidate.name) is the bundle of \(same.name) and not measured again.")
      } else {
        list.append(candidate)
      }
    }
    func hasWhole(_ bits: Int) -> Bool { list.contains { $0.isWhole(adapters: adapters) && $0.bits == bits } }
    var bits = Set(list.compactMap(\.bits))
    if list.contains(where: \.isRelative) { bits.insert(8) }
    for bits in bits.sorted(by: >) where !hasWhole(bits) {
      list.append(try FrontierCandidate("\(bits)+\(adapters ? "merge" : "own")"))
    }
    return list.filter { !$0.isRelative } + list.filter(\.isRelative)
  }
}
