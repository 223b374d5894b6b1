import DeRa
import DeRaKernels

/// Measures answers after they were drawn: one pass over each model gives the distributions along an answer.
///
/// With two prompts the policy is the blend of what follows both, π_ref is the reference after the reference prompt, and
/// the models' own figures are after the prompt.
package final class AnswerMeasurement {
  package let realignments: [Realignment]
  private let own: AnswerReading
  /// After the reference prompt; nil where there is none.
  private let other: AnswerReading?
  private let models: Int
  private let mask: PlausibilityMask?
  /// `[3, vocabulary]`
  private var scratch: [Float]

  /// - Parameters:
  ///   - realignments: the λ that answers were drawn under.
  ///   - contextLength: most tokens of a prompt and its answer.
  ///   - hasReferencePrompt: answers have two prompts.
  ///   - plausible: α of the mask they were drawn with; 0 for none.
  ///   - blend: the quantity that λ blended.
  /// - Throws: `SessionError.outOfMemory`.
  package init(
    bundle: ModelBundle, realignments: [Realignment], contextLength: Int, hasReferencePrompt: Bool = false,
    engine: Engine, cacheCodec: CacheCodec = .f16, plausible: Float = 0, blend: Blend = .logits
  ) throws {
    func reading() throws -> AnswerReading {
      try AnswerReading(
        bundle: bundle, realignments: realignments, contextLength: contextLength, engine: engine,
        cacheCodec: cacheCodec, blend: blend)
    }
    self.realignments = realignments
    models = bundle.manifest.models.count
    mask = PlausibilityMask(alpha: plausible)
    own = try reading()
    other = hasReferencePrompt ? try reading() : nil
    scratch = [Float](repeating: 0, count: 3 * bundle.configuration.vocabularySize)
  }

  /// - Parameters:
  ///   - reference: the reference prompt, where answers have two.
  ///   - answer: the tokens drawn, at least one.
  ///   - index: the λ's place in `realignments`.
  /// - Throws: `SessionError`, `SamplingError` for logits that are not finite.
  package func figures(
    prompt: [Int32], reference: [Int32]? = nil, answer: [Int32], realignment index: Int
  ) throws -> AnswerFigures {
    var figures = AnswerFigures(models: models)
    try forEachToken(prompt, reference, answer) { token, scratch in
      let policy = try policy(index, scratch)
      figures.add(
        token: token, policy: policy, reference: (other ?? own).logits(model: 0),
        models: (0..<models).map { own.logits(model: $0) })
    }
    return figures
  }

  /// Σ over the tokens of KL(π_ref(· | prefix) ‖ π_λ(· | prefix)) under every λ, nats. Over answers drawn from the reference its
  /// mean is the sequences' KL(π_ref ‖ π_λ).
  /// - Parameter answer: drawn from the reference.
  /// - Returns: `[realignments]`; +∞ where a mask leaves out what the reference may say.
  /// - Throws: as `figures`.
  package func reverseDivergences(prompt: [Int32], reference: [Int32]? = nil, answer: [Int32]) throws -> [Double] {
    var sums = [Double](repeating: 0, count: realignments.count)
    try forEachToken(prompt, reference, answer) { _, scratch in
      let base = (other ?? own).logits(model: 0)
      for index in realignments.indices {
        sums[index] += LogitDistribution.compare(p: base, q: try policy(index, scratch)).divergence
      }
    }
    return sums
  }

  private func forEachToken(
    _ prompt: [Int32], _ reference: [Int32]?, _ answer: [Int32],
    _ body: (_ token: Int, _ scratch: UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    precondition((reference == nil) == (other == nil), "two prompts need two readings")
    guard !prompt.isEmpty, reference?.isEmpty != true, let last = answer.last else { throw EvaluationError.emptyPart }
    if !(0..<own.vocabularySize).contains(Int(last)) {
      throw SessionError.invalidToken(last, vocabularySize: own.vocabularySize)
    }
    try own.start(prompt, answer)
    if let reference { try other?.start(reference, answer) }
    for token in answer {
      own.advance()
      other?.advance()
      try scratch.withUnsafeMutableBufferPointer { try body(Int(token), $0) }
    }
  }

  /// Logits of the policy under a λ; where they have to be made they lie in the scratch.
  private func policy(
    _ index: Int, _ scratch: UnsafeMutableBufferPointer<Float>
  ) throws -> UnsafeBufferPointer<Float> {
    let rows = (0..<3).map {
      UnsafeMutableBufferPointer(rebasing: scratch[$0 * own.vocabularySize..<($0 + 1) * own.vocabularySize])
    }
    let plain = own.policy(index, scratch: rows[0])
    let blended = blend(plain, realignments[index].prompt, index, rows)
    guard let mask else { return blended }
    let masked = rows[2]
    _ = masked.update(from: blended)
    try mask.apply(to: masked, reference: other == nil ? own.logits(model: 0) : plain)
    return UnsafeBufferPointer(masked)
  }

  /// The blend of what follows both prompts, in the second row where it has to be made.
  private func blend(
    _ plain: UnsafeBufferPointer<Float>, _ lambda: Float, _ index: Int, _ rows: [UnsafeMutableBufferPointer<Float>]
  ) -> UnsafeBufferPointer<Float> {
    guard let other, lambda != 1 else { return plain }
    let turned = other.policy(index, scratch: rows[1])
    if lambda == 0 { return turned }
    for id in plain.indices { rows[1][id] = turned[id] + lambda * (plain[id] - turned[id]) }
    return UnsafeBufferPointer(rows[1])
  }
}

/// The distributions along an answer after one prompt, token by token.
private final class AnswerReading {
  /// The models' logits and, where logits are blended, the policies' after them.
  private let forcing: TeacherForcing
  /// The policies' where weights are blended.
  private let mixtures: TeacherForcing?
  private let models: Int
  /// The position whose logits are at hand, and the positions that each measurement has computed.
  private var position = 0
  private var blocks = (0..<0, 0..<0)

  init(
    bundle: ModelBundle, realignments: [Realignment], contextLength: Int, engine: Engine, cacheCodec: CacheCodec,
    blend: Blend
  ) throws {
    func session(_ blend: Blend) throws -> DecodingSession {
      try DecodingSession(
        bundle: bundle, contextLength: contextLength, engine: engine,
        maxOutputs: min(PerplexityMeasurement.block, contextLength), cacheCodec: cacheCodec, blend: blend,
        mixtures: realignments.count)
    }
    let count = bundle.manifest.models.count
    let alone = (0..<count).map { model in
      Realignment(lambdas: (1..<max(count, 1)).map { $0 == model ? 1 : 0 })
    }
    models = count
    forcing = try TeacherForcing(
      session: try session(.logits), realignments: alone + (blend == .logits ? realignments : []))
    mixtures =
      blend == .weights ? try TeacherForcing(session: session(.weights), realignments: realignments) : nil
  }

  var vocabularySize: Int { forcing.vocabularySize }

  /// Begins before the answer's first token.
  func start(_ prompt: [Int32], _ answer: [Int32]) throws {
    // The last token is never run: its logits would be scored by nothing.
    let text = prompt + answer.dropLast()
    try forcing.start(text, from: prompt.count - 1)
    try mixtures?.start(text, from: prompt.count - 1)
    position = prompt.count - 2
    blocks = (0..<0, 0..<0)
  }

  /// Goes on to the answer's next token.
  func advance() {
    position += 1
    while blocks.0.upperBound <= position { blocks.0 = forcing.next() }
    if let mixtures { while blocks.1.upperBound <= position { blocks.1 = mixtures.next() } }
  }

  /// A model's own logits `[vocabulary]`.
  func logits(model: Int) -> UnsafeBufferPointer<Float> {
    // What is one model's is held and needs no room.
    forcing.logits(model, at: position, scratch: UnsafeMutableBufferPointer(start: nil, count: 0))
  }

  /// Logits `[vocabulary]` of a λ, in the scratch where they have to be made.
  func policy(_ index: Int, scratch: UnsafeMutableBufferPointer<Float>) -> UnsafeBufferPointer<Float> {
    mixtures?.logits(index, at: position, scratch: scratch)
      ?? forcing.logits(models + index, at: position, scratch: scratch)
  }
}
