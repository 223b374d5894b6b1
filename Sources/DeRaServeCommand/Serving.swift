import DeRa
import DeRaCommands
import DeRaConsole
import DeRaPlatform
import DeRaServer

/// A bundle that is opened for serving, and its engine.
struct Serving {
  let service: Service
  private let engine: AnswerEngine

  init(_ command: ServeCommand) throws {
    let bundle = try command.bundle.open()
    let realignment = try command.lambda.realignment(for: bundle)
    let format = try command.prompting.format(bundle)
    let context = command.machine.runtime.contextLength(for: bundle)
    let model = try ServedModel(
      bundle, name: command.name ?? Self.name(of: command.bundle.bundle), format: format, context: context,
      realignment: realignment, presets: try Self.presets(command.preset, bundle),
      options: try command.sampling.options(), started: time(nil))
    engine = try Self.engine(command, bundle, context)
    service = Service(model, Answering(engine))
  }

  private static func engine(_ command: ServeCommand, _ bundle: ModelBundle, _ context: Int) throws -> AnswerEngine {
    let runtime = command.machine.runtime
    if context > bundle.configuration.contextLength {
      Output.note("The model was made for \(bundle.configuration.contextLength) tokens; beyond that it may ramble.")
    }
    let batch = try DecodingBatch(
      bundle: bundle, count: command.parallel ?? usualParallel, contextLength: context, engine: try runtime.engine(),
      cacheCodec: runtime.precision.kv, blend: runtime.blending.blend)
    let program = ProcessMemory.current().map { $0.anonymousBytes + $0.fileBytes } ?? 0
    if let limit = command.machine.limits.memoryLimit?.bytes, batch.memory.total + program > limit {
      throw MemoryLimitError(
        memory: batch.memory, program: program, limit: limit,
        remedies: ["a smaller --context", "--parallel 1", "--kv int8"])
    }
    return try AnswerEngine(batch, queueLength: command.queue)
  }

  /// One answer at a time where memory is small.
  private static var usualParallel: Int {
    sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) < 1_000_000_000 ? 1 : 2
  }

  private static func name(of path: String) -> String {
    var name = path.split(separator: "/").last.map(String.init) ?? path
    for suffix in [".lz4", ".dera"] where name.hasSuffix(suffix) { name = String(name.dropLast(suffix.count)) }
    return name
  }

  private static func presets(_ texts: [String], _ bundle: ModelBundle) throws -> [ServedModel.Preset] {
    if texts.isEmpty { return ServedModel.usualPresets(bundle) }
    return try texts.map { text in
      guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
        throw refuse("--preset", "'\(text)' is not name=λ, such as gentle=0.3")
      }
      let name = String(text[..<equals])
      guard !name.contains(where: { "@:/ ".contains($0) }) else {
        throw refuse("--preset", "the name '\(name)' must not have @, :, / or spaces")
      }
      do throws(RealignmentError) {
        let value = String(text[text.index(after: equals)...])
        return .init(name: name, realignment: try Realignment.parse(value, models: bundle.alignedModels))
      } catch {
        throw refuse("--preset", "\(error)")
      }
    }
  }
}
