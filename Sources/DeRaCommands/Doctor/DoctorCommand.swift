import ArgumentParser
import DeRa
import DeRaConsole
import DeRaKernels
import DeRaPlatform
import DeRaText
import FoundationEssentials

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Explains this machine: what it has, and which bundles run on it and how fast.",
    discussion: """
      Measures for a second how fast memory is read, which bounds how fast a model decodes. Without bundles it takes those \
      that dera list finds. Nothing is changed, nothing is sent.

      Examples:
        dera doctor
        dera doctor model.dera --json
      """)

  @Argument(help: "Bundles to judge.", completion: .file(extensions: ["dera", "lz4"])) var bundles: [String] = []
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let machine = DoctorReport.Machine(instructionSet: try InstructionSet.selected().rawValue)
    var report = DoctorReport(machine: machine)
    if isatty(STDERR_FILENO) == 1 { Output.progress("measuring how fast memory is read") }
    // At most an eighth of what is to be had, so that a small board does not swap; a cache holds less than 64 MB.
    let byteCount = min(256 << 20, max(16 << 20, (machine.availableBytes ?? 512 << 20) / 8))
    for threads in Set([1, machine.threads]).sorted() {
      report.bandwidth.append(try .measure(threads: threads, byteCount: byteCount, seconds: 0.4))
    }
    if isatty(STDERR_FILENO) == 1 { Output.progress("") }
    let folders = FoundBundles.folders(environment: ProcessInfo.processInfo.environment)
    for path in bundles.isEmpty ? FoundBundles.paths(in: folders) : bundles {
      do {
        report.bundles.append(try DoctorReport.Bundle(path, bytesPerSecond: report.bytesPerSecond))
      } catch {
        guard bundles.isEmpty else { throw error }
        report.refused.append(errorText(error))
      }
    }
    report.advice = report.findings
    try Output.write(json ? jsonText(report) : report.text)
  }
}

extension DoctorReport.Bundle {
  /// The context that a bundle is judged by: a short conversation.
  private static let usualContext = 2048

  init(_ path: String, bytesPerSecond: Double) throws {
    let bundle = try openBundle(path)
    let context = min(Self.usualContext, bundle.configuration.contextLength)
    let program = ProcessMemory.program(beside: bundle)
    let engine = try Engine(pool: ThreadPool(threads: 1), activations: bundle.manifest.activations)
    let forecast = MemoryForecast(bundle: bundle, context: context, codec: .f16, blend: .logits)
    let aligned = bundle.alignedModels.count
    func most(_ lambdas: [Float]) -> Double {
      bytesPerSecond / Double(max(1, bundle.manifest.weightBytesPerToken(Realignment(lambdas: lambdas))))
    }
    self.init(
      path: path, fileBytes: bundle.mappedBytes, models: bundle.manifest.models,
      neededBytes: try forecast.session(engine).memory.total + program, context: context,
      mostTokensPerSecondAlone: most(Array(repeating: 0, count: aligned)),
      mostTokensPerSecond: most(Array(repeating: 0.5 / Float(aligned + 1), count: aligned)))
  }
}

extension DoctorReport {
  /// The lines that an owner should know or act on.
  var findings: [String] {
    var found = machine.complaints.map { "The board says: \($0). A better power supply or cooling makes it faster." }
    let room = machine.availableBytes ?? .max
    for bundle in bundles where bundle.neededBytes > room {
      found.append(
        "\(bundle.path) takes \(byteText(bundle.neededBytes)) with \(bundle.context) tokens and \(byteText(room)) are to "
          + "be had: use --context 512, --kv int8 or --resident-limit, or a bundle of fewer bits.")
    }
    if let temperature = machine.temperature, temperature >= 80 {
      found.append("It is \(fixed(temperature, 0)) °C hot; most boards slow down from 80 to 85 °C.")
    }
    if let limit = machine.processorLimit, limit < machine.processors {
      found.append("The control group grants \(limit) of \(machine.processors) processors.")
    }
    return found
  }
}
