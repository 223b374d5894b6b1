import ArgumentParser
import DeRa
import DeRaConsole
import DeRaEvaluation
import DeRaKernels
import DeRaPlatform
import DeRaText
import FoundationEssentials

/// The command `dera-study`.
package struct StudyCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "dera-study",
    abstract: "Repeats the DeRa paper's experiments on the embedded family of retrained models.",
    discussion: """
      The family holds one reward trained at several β. The study compares λ with really retraining at β/λ (reward, length, \
      KL, correlations), in 16 bits and in other forms; the blend of tokens with the exact mixture of texts; the search for \
      the best λ with the model retrained at it; two rewards at once; an early checkpoint in the reference's place; and the \
      cost. It writes results.md and its pictures. The same seeds give the same files on every machine, but for the cost.

      tools/study/run makes the bundles and runs this.

      Examples:
        dera-study family.dera --form int8=storyteller.dera --output docs/study
        dera-study family.dera --stories 64 --output /tmp/quick
      """,
    version: "dera-study \(Version.text)")

  @Argument(help: "The bundle of the whole family in 16 bits.", completion: .file(extensions: ["dera"]))
  var family: String
  @Option(help: ArgumentHelp("Another form of the pair, measured beside it. Repeatable.", valueName: "name=bundle"))
  var form: [String] = []
  @Option(name: [.short, .long], help: ArgumentHelp("Folder to write to.", valueName: "folder"))
  var output: String
  @Option(help: ArgumentHelp("Stories of every policy, a multiple of 8.", valueName: "count")) var stories = 400
  @OptionGroup var threads: ThreadsOption
  @Flag(help: "Print what was sampled and written as JSON.") var json = false

  /// The number of independent repetitions.
  private static let groups = 8

  package init() {}

  /// Parses the process's arguments, runs the study and ends the process.
  package static func start() -> Never { Program.run(Self.self) }

  package func validate() throws {
    guard stories >= Self.groups, stories % Self.groups == 0 else {
      throw ValidationError("--stories must be a multiple of \(Self.groups)")
    }
    for form in form where !form.contains("=") { throw ValidationError("--form takes NAME=BUNDLE, not '\(form)'") }
  }

  package func run() throws {
    let forms = try form.map { text in
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return Study.Form(name: String(parts[0]), bundle: try openBundle(String(parts[1])))
    }
    let engine = try Engine(pool: threads.pool())
    let line = Progress()
    let study = try Study(
      family: openBundle(family), forms: forms, stories: stories, groups: Self.groups, engine: engine
    ) { try line.next($0) }
    line.start(total: study.policyCount)
    try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
    try Interrupt.during {
      defer { line.clear() }
      let results = try StudyResults(study)
      let cost = try StudyCost.table(study.forms, engine: engine)
      try StudyReport(results, cost: cost, stories: stories, groups: Self.groups).write(to: output)
    }
    guard json else { return Output.note("Wrote \(output)/results.md and its pictures.") }
    try Output.write(
      jsonText(
        Summary(
          report: "\(output)/results.md", forms: study.forms.map(\.name), policies: study.policyCount, stories: stories,
          groups: Self.groups)))
  }

  /// The work done, as `--json` prints it.
  private struct Summary: Encodable {
    var report: String
    var forms: [String]
    var policies: Int
    var stories: Int
    var groups: Int
  }

  private final class Progress {
    private let line = ProgressLine(total: 1)
    private var done = 0

    func start(total: Int) { line.restart(total: total) }

    func next(_ what: String) throws {
      try Interrupt.check()
      line.update(done, what)
      done += 1
    }

    func clear() { line.clear() }
  }
}

/// Everything that was sampled.
struct StudyResults {
  let study: Study
  let retrained: [StorySample]
  /// `[forms][strengths]`, 16 bits first.
  let forms: [[StorySample]]
  let pretrained: [StorySample]
  let grid: [[StorySample]]
  /// λ, and the largest error of the blend as a mixture for every form.
  let combination: [(form: String, errors: [Double])]

  static let combinationLambdas: [Float] = [-0.5, 0.5, 2, 4]

  init(_ study: Study) throws {
    self.study = study
    retrained = try study.retrained()
    forms = try study.forms.map { try study.realigned($0) }
    pretrained = try study.realignedFromPretrained()
    grid = try study.twoRewards()
    combination = try study.forms.filter { $0.blend == .logits }.map {
      ($0.name, try study.combinationError($0, lambdas: Self.combinationLambdas))
    }
  }
}

/// Decoding's cost in the paper's terms: medians of one model and the pair, measured in turn.
enum StudyCost {
  private static let rounds = 15
  private static let tokens = 128

  /// A row for every form that holds the pair alone.
  static func table(_ forms: [Study.Form], engine: Engine) throws -> Table {
    var table = Table([
      .init("form", .left), .init("one model, tokens/s"), .init("λ = 0.5, tokens/s"), .init("time of a token"),
      .init("weights read, one"), .init("λ = 0.5"), .init("two separate"),
    ])
    for form in forms {
      let bundle = form.bundle
      let batch = try DecodingBatch(bundle: bundle, count: 1, contextLength: tokens, engine: engine, blend: form.blend)
      let models = bundle.alignedModels.count
      func rate(_ lambda: Float) throws -> Double {
        let realignment = Realignment(lambda, models: models)
        // The first one warms caches and clocks up.
        _ = try seconds(batch, realignment)
        return Double(tokens) / (try seconds(batch, realignment))
      }
      // In turn, so that a machine that slows down for a while slows both.
      let rounds = try (0..<rounds).map { _ in (one: try rate(0), pair: try rate(0.5)) }
      let (one, pair) = (median(rounds.map(\.one)), median(rounds.map(\.pair)))
      let ratio = median(rounds.map { $0.one / $0.pair })
      func read(_ lambda: Float) -> Int { bundle.manifest.weightBytesPerToken(Realignment(lambda, models: models)) }
      table.rows.append([
        form.name, fixed(one, 0), fixed(pair, 0), "\(fixed(ratio, 2))×", byteText(read(0)), byteText(read(0.5)),
        byteText(read(0) + read(1)),
      ])
    }
    return table
  }

  /// Time to decode `tokens` tokens from an empty context.
  private static func seconds(_ batch: DecodingBatch, _ realignment: Realignment) throws -> Double {
    var generator = RandomGenerator(seed: 1)
    let session = batch.sessions[0]
    let vocabulary = Int32(clamping: batch.bundle.configuration.vocabularySize)
    session.truncate(to: 0)
    let time = try ContinuousClock().measure {
      for _ in 0..<tokens {
        try Interrupt.check()
        try session.append(CollectionOfOne(Int32.random(in: 0..<vocabulary, using: &generator)))
        _ = try session.logits(realignment)
      }
    }
    return Double(seconds: time)
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
