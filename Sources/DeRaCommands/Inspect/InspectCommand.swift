import ArgumentParser
import DeRa
import DeRaConsole
import DeRaKernels
import DeRaPlatform
import DeRaText

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Shows what a bundle holds, what is shared, and what running it takes.",
    discussion: """
      The models' table says what each stores and what it takes from the reference. The file is mapped, so its bytes are \
      shared between processes; keys, values and buffers belong to each sequence.

      Examples:
        dera inspect model.dera
        dera inspect model.dera --context 8192 --sequences 4
        dera inspect model.dera --verify --json
      """)

  @OptionGroup var bundle: BundleArgument
  @OptionGroup(title: "Prediction") var machine: SessionArguments
  @Option(help: ArgumentHelp("Sequences at once, for the prediction.", valueName: "count")) var sequences = 1
  @Flag(help: "Compare every tensor with its recorded SHA-256.") var verify = false
  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    guard (1...100_000).contains(sequences) else { throw ValidationError("--sequences must be from 1 to 100000") }
  }

  func run() throws {
    let bundle = try bundle.open()
    // A session's memory is reserved, not touched: making one is the exact prediction.
    let program = ProcessMemory.program(beside: bundle)
    let session = try machine.session(bundle)
    var report = InspectReport(
      manifest: bundle.manifest, path: self.bundle.bundle, fileBytes: bundle.mappedBytes, memory: session.memory,
      kvCodec: session.cacheCodec.rawValue, blend: session.blend, context: session.contextLength, sequences: sequences,
      program: program)
    if verify {
      try checkSums(bundle)
      report.verified = true
    }
    try Output.write(json ? jsonText(report) : report.text())
  }

  private func checkSums(_ bundle: ModelBundle) throws {
    let isShown = isatty(STDERR_FILENO) == 1
    var shown = -1
    defer { if isShown { Output.progress("") } }
    try bundle.verify { done, total in
      let percent = total == 0 ? 100 : Int(Double(done) / Double(total) * 100)
      guard isShown, percent != shown else { return }
      shown = percent
      Output.progress("verifying \(percent) % of \(byteText(total))")
    }
  }
}
