import DeRa
import DeRaKernels

/// Measures answers after they were drawn: one pass over each model gives the distributions along an answer.
package final class AnswerMeasurement {
  package let realignments: [Realignment]
  /// The models' logits and, where logits are blended, the policies' after them.
  private let forcing: TeacherForcing
  /// The policies' where weights are blended.
  private let mixtures: TeacherForcing?
  private let models: Int
  private let mask: PlausibilityMask?
  /// `[2, vocabulary]`
  private var scratch: [Float]

  /// - Parameters:
  ///   - realignments: the λ that answers were drawn under.
  ///   - contextLength: most tokens of a prompt and its answer.
  ///   - plausible: α of the mask they were drawn with; 0 for none.
  ///   - blend: the quantity that λ blended.
  /// - Throws: `SessionError.outOfMemory`.
  package init(
    bundle: ModelBundle, realignments: [Realignment], contextLength: Int, engine: Engine, cacheCodec: CacheCodec = .f16,
    plausible: Float = 0, blend: Blend = .logits
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
    self.realignments = realignments
    models = count
    mask = PlausibilityMask(alpha: plausible)
    forcing = try TeacherForcing(
      session: try session(.logits), realignments: alone + (blend == .logits ? realignments : []))
    mixtures =
      blend == .weights ? try TeacherForcing(session: session(.weights), realignments: realignments) : nil
    scratch = [Float](repeating: 0, count: 2 * forcing.vocabularySize)
  }

  /// - Parameters:
  ///   - answer: the tokens drawn, at least one.
  ///   - index: the λ's place in `realignments`.
  /// - Throws: `SessionError`, `SamplingError` for logits that are not finite.
  package func figures(prompt: [Int32], answer: [Int32], realignment index: Int) throws -> AnswerFigures {
    var figures = AnswerFigures(models: models)
    try forEachToken(prompt, answer) { position, token, scratch in
      let policy = try policy(index, position, scratch)
      let logits = (0..<models).map { forcing.logits($0, at: position, scratch: scratch) }
      figures.add(token: token, policy: policy, models: logits)
    }
    return figures
  }

  /// Σ over the tokens of KL(π_ref(· | prefix) ‖ π_λ(· | prefix)) under every λ, nats. Over answers drawn from the reference its
  /// mean is the sequences' KL(π_ref ‖ π_λ).
  /// - Parameter answer: drawn from the reference.
  /// - Returns: `[realignments]`; +∞ where a mask leaves out what the reference may say.
  /// - Throws: as `figures`.
  package func reverseDivergences(prompt: [Int32], answer: [Int32]) throws -> [Double] {
    var sums = [Double](repeating: 0, count: realignments.count)
    try forEachToken(prompt, answer) { position, _, scratch in
      let reference = forcing.logits(0, at: position, scratch: scratch)
      for index in realignments.indices {
        sums[index] += LogitDistribution.compare(p: reference, q: try policy(index, position, scratch)).divergence
      }
    }
    return sums
  }

  private func forEachToken(
    _ prompt: [Int32], _ answer: [Int32],
    _ body: (_ position: Int, _ token: Int, _ scratch: UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    guard !prompt.isEmpty, !answer.isEmpty else { throw EvaluationError.emptyPart }
    if let token = answer.last, !(0..<forcing.vocabularySize).contains(Int(token)) {
      throw SessionError.invalidToken(token, vocabularySize: forcing.vocabularySize)
    }
    // The last token is never run: its logits would be scored by nothing.
    let text = prompt + answer.dropLast()
    try forcing.start(text, from: prompt.count - 1)
    try mixtures?.start(text, from: prompt.count - 1)
    var shared = SharedPositions()
    while case let positions = shared.next(forcing, mixtures), !positions.isEmpty {
      for position in positions {
        let token = Int(answer[position + 1 - prompt.count])
        try scratch.withUnsafeMutableBufferPointer { try body(position, token, $0) }
      }
    }
  }

  /// Logits of the policy under a λ. Where they have to be made they lie in the scratch's first row, or the second when the mask is on.
  private func policy(
    _ index: Int, _ position: Int, _ scratch: UnsafeMutableBufferPointer<Float>
  ) throws -> UnsafeBufferPointer<Float> {
    let width = forcing.vocabularySize
    let first = UnsafeMutableBufferPointer(rebasing: scratch[..<width])
    let blended =
      mixtures?.logits(index, at: position, scratch: first)
      ?? forcing.logits(models + index, at: position, scratch: first)
    guard let mask else { return blended }
    let second = UnsafeMutableBufferPointer(rebasing: scratch[width...])
    _ = second.update(from: blended)
    try mask.apply(to: second, reference: forcing.logits(0, at: position, scratch: first))
    return UnsafeBufferPointer(second)
  }
}
