import DeRa
import DeRaText

/// An answer and its figures, as `dera run --json` prints them.
package struct RunReport: Encodable, Equatable {
  package var text: String
  package var finishReason: FinishReason
  /// λ by name of the aligned model, and the prompt's where it is not 1.
  package var lambda: [String: Float]
  package var blend: Blend
  package var seed: UInt64
  package var promptTokens: Int
  package var answerTokens: Int
  package var contextLength: Int
  package var prefillTokensPerSecond: Double
  package var decodeTokensPerSecond: Double
  package var secondsToFirstToken: Double
  /// nil where the system does not tell.
  package var peakMemoryBytes: Int?
  package var memory: RunMemory?

  package init(
    _ generation: Generation, models: [String], realignment: Realignment, blend: Blend, contextLength: Int,
    peakMemoryBytes: Int?, memory: RunMemory? = nil
  ) {
    text = generation.text
    finishReason = generation.finishReason
    lambda = Dictionary(zip(models, realignment.lambdas)) { first, _ in first }
    if realignment.prompt != 1 { lambda[Realignment.promptName] = realignment.prompt }
    self.blend = blend
    seed = generation.seed
    promptTokens = generation.promptTokens
    answerTokens = generation.answerTokens
    self.contextLength = contextLength
    prefillTokensPerSecond = generation.prefillRate
    decodeTokensPerSecond = generation.decodeRate
    secondsToFirstToken = generation.timeToFirstToken
    self.peakMemoryBytes = peakMemoryBytes
    self.memory = memory
  }

  init(_ generation: Generation, session: DecodingSession, realignment: Realignment) {
    self.init(
      generation, models: session.bundle.alignedModels, realignment: realignment, blend: session.blend,
      contextLength: session.contextLength, peakMemoryBytes: ProcessMemory.current()?.peakBytes,
      memory: RunMemory(session))
  }

  /// The line on standard error; a second line where the answer was cut.
  package var summary: String {
    var parts = [
      "\(promptTokens) + \(answerTokens) tokens", "prefill \(fixed(prefillTokensPerSecond, 1)) tok/s",
      "decode \(fixed(decodeTokensPerSecond, 1)) tok/s", "first token \(fixed(secondsToFirstToken, 3)) s",
    ]
    if let peakMemoryBytes { parts.append("peak memory \(byteText(peakMemoryBytes))") }
    parts.append("seed \(seed)")
    let line = parts.joined(separator: ", ")
    switch finishReason {
    case .stop, .length: return line
    case .cancelled: return line + "\nStopped by Ctrl-C."
    case .context:
      return line + "\nThe context of \(contextLength) tokens is full: the answer was cut. Raise --context."
    }
  }
}
