import ArgumentParser
import DeRa
import DeRaConsole
import DeRaKernels
import DeRaTensorCore

/// How exactly a session computes.
package struct PrecisionArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp("How keys and values are kept; int8 takes about half of f16's memory.", valueName: "codec"))
  package var kv = CacheCodec.f16

  @Option(
    help: ArgumentHelp("\(ActivationCoding.help) (default: what the bundle was made for)", valueName: "coding"))
  package var activations: ActivationCoding?

  package init() {}

  /// The coding that a session of the bundle uses.
  package func activations(for bundle: ModelBundle) -> ActivationCoding { activations ?? bundle.manifest.activations }

  /// - Parameter threads: nil for one a core.
  package func engine(threads: Int?) throws -> Engine {
    try Engine(pool: Threads.pool(threads), activations: activations)
  }
}

extension CacheCodec: ExpressibleByArgument {}

/// The argument that names the quantity λ blends.
package struct BlendArgument: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What λ blends: the models' logits, or their weights, which runs one model only and is cruder.",
      valueName: "what"))
  package var blend = Blend.logits

  package init() {}
}

extension Blend: ExpressibleByArgument {}

/// How much of the machine a session takes.
package struct RuntimeArguments: ParsableArguments {
  @OptionGroup package var threads: ThreadsOption

  @Option(
    name: [.short, .long], parsing: .unconditional,
    help: ArgumentHelp(
      "Tokens of prompt and answer together (default: the model's own limit, at most \(SessionLimits.usualContext)).",
      valueName: "tokens"))
  package var context: Int?

  package init() {}

  package func validate() throws {
    if let context, !SessionLimits.context.contains(context) {
      throw ValidationError("--context must be from 1 to \(DecodingSession.maximumContext)")
    }
  }

  @OptionGroup package var precision: PrecisionArguments
  @OptionGroup package var blending: BlendArgument

  package func engine() throws -> Engine { try precision.engine(threads: threads.count) }

  package func contextLength(for bundle: ModelBundle) -> Int { context ?? bundle.usualContext }
}

/// How much of the machine the session of an interactive command takes.
package struct SessionArguments: ParsableArguments {
  @OptionGroup package var runtime: RuntimeArguments
  @OptionGroup package var limits: MemoryLimitArguments

  package init() {}

  /// - Parameters:
  ///   - realignment: the λ it begins with; nil for any.
  ///   - hasReferencePrompt: a second sequence is its `reference`.
  package func session(
    _ bundle: ModelBundle, _ realignment: Realignment? = nil, hasReferencePrompt: Bool = false
  ) throws -> DecodingSession {
    let length = runtime.contextLength(for: bundle)
    if length > bundle.configuration.contextLength {
      Output.note("The model was made for \(bundle.configuration.contextLength) tokens; beyond that it may ramble.")
    }
    let engine = try runtime.engine()
    let forecast = MemoryForecast(
      bundle: bundle, context: length, codec: runtime.precision.kv, blend: runtime.blending.blend,
      hasReferencePrompt: hasReferencePrompt, residentLimit: limits.residentLimit?.bytes, realignment: realignment)
    let session =
      if let limit = limits.memoryLimit { try forecast.session(engine, limit: limit.bytes) } else {
        try forecast.session(engine)
      }
    session.shouldContinue = { !Interrupt.isRequested }
    return session
  }
}

/// Ends the program with a message about its arguments that only the bundle could tell to be wrong.
///
/// Unlike a `ValidationError`, which is followed by a usage line that says nothing about it.
package func refuse(_ option: String, _ text: String) -> ExitCode {
  Output.error("\(option): \(text)")
  return .validationFailure
}
