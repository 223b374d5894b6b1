import DeRa
import DeRaKernels

/// Scores a text under several λ, and beside it another bundle of the same pair, in step and without a file of logits.
package final class PerplexityMeasurement {
  package let realignments: [Realignment]
  package private(set) var totals: PerplexityTotals
  /// The quantity that λ blends in the bundle that is measured.
  package let blend: Blend
  private let subject: TeacherForcing
  private let base: TeacherForcing?
  /// Names of the aligned models.
  private let names: [String]
  private let engine: Engine
  /// `[2 · threads, vocabulary]`
  private let scratch: UnsafeMutableBufferPointer<Float>
  /// `[block, realignments]`
  private let blockScores: UnsafeMutableBufferPointer<TokenScore>
  /// `[block, aligned models]`
  private let blockDirections: UnsafeMutableBufferPointer<DirectionSums>

  /// Positions computed together.
  package static let block = 16

  /// - Parameters:
  ///   - bundle: the bundle that is measured.
  ///   - base: the bundle that its distributions are compared with, its logits blended; nil gives the perplexity alone.
  ///   - context: the chunks' length.
  ///   - engine: the engine of both; only matrices of integers see how it codes activations.
  ///   - cacheCodec: the codec of `bundle`'s keys and values; `base` has f16.
  ///   - blend: the quantity that λ blends in `bundle`.
  /// - Throws: `EvaluationError.differentPairs`, `SessionError`.
  package init(
    bundle: ModelBundle, against base: ModelBundle? = nil, realignments: [Realignment], context: Int, engine: Engine,
    cacheCodec: CacheCodec = .f16, blend: Blend = .logits
  ) throws {
    if let base { try Self.checkSamePair(bundle, base) }
    func forcing(_ bundle: ModelBundle, _ cacheCodec: CacheCodec, _ blend: Blend) throws -> TeacherForcing {
      try TeacherForcing(
        session: DecodingSession(
          bundle: bundle, contextLength: context, engine: engine, maxOutputs: Self.block, cacheCodec: cacheCodec,
          blend: blend, mixtures: realignments.count),
        realignments: realignments, withDirections: base != nil)
    }
    self.realignments = realignments
    self.engine = engine
    self.blend = blend
    subject = try forcing(bundle, cacheCodec, blend)
    self.base = try base.map { try forcing($0, .f16, .logits) }
    names = Array(bundle.manifest.models.dropFirst())
    totals = PerplexityTotals(
      realignments: realignments.count, models: base == nil || blend == .weights ? 0 : names.count)
    scratch = .allocate(capacity: 2 * engine.pool.threads * bundle.configuration.vocabularySize)
    scratch.initialize(repeating: 0)
    blockScores = .allocate(capacity: Self.block * realignments.count)
    blockScores.initialize(repeating: TokenScore())
    blockDirections = .allocate(capacity: Self.block * names.count)
    blockDirections.initialize(repeating: DirectionSums())
  }

  deinit {
    scratch.deallocate()
    blockScores.deallocate()
    blockDirections.deallocate()
  }

  /// `[realignments]`, one value a scored token.
  package var scores: [TokenScores] { totals.scores }
  /// `[aligned models]`, nil for a model that is the reference; empty without a bundle to compare with, and where weights
  /// are blended, which runs no aligned model.
  package var directionReports: [DirectionReport?] { totals.directionReports }

  /// Adds the tokens after `first` of a text, each scored by the logits before it.
  /// - Returns: the sums over these tokens.
  /// - Throws: `SessionError`, `EvaluationError.notFinite`, `FileError.changed`.
  @discardableResult
  package func add(_ text: [Int32], from first: Int) throws -> PerplexityTotals {
    // The last token's logits would be scored by nothing.
    let context = Array(text.dropLast())
    try subject.start(context, from: first)
    try base?.start(context, from: first)
    var part = PerplexityTotals(realignments: realignments.count, models: totals.directions.count)
    var shared = SharedPositions()
    while case let positions = shared.next(subject, base), !positions.isEmpty {
      text.withUnsafeBufferPointer { score(positions, $0) }
      try collect(positions.count, &part)
    }
    try subject.checkUnchanged()
    try base?.checkUnchanged()
    totals.append(part)
    return part
  }

  private func score(_ positions: Range<Int>, _ text: UnsafeBufferPointer<Int32>) {
    let job = ScoreJob(
      subject: subject, base: base, positions: positions, text: text, scratch: scratch, scores: blockScores,
      directions: blockDirections, models: totals.directions.count)
    engine.pool.run(job, chunks: positions.count * job.perPosition)
  }

  private func collect(_ positions: Int, _ part: inout PerplexityTotals) throws {
    for position in 0..<positions {
      for index in realignments.indices {
        let score = blockScores[position * realignments.count + index]
        guard score.isFinite else {
          throw EvaluationError.notFinite(
            lambda: realignments[index].description(models: names))
        }
        part.scores[index].append(score, compares: base != nil)
      }
      let models = part.directions.count
      for model in 0..<models { part.directions[model] += blockDirections[position * models + model] }
    }
  }

  private static func checkSamePair(_ bundle: ModelBundle, _ base: ModelBundle) throws(EvaluationError) {
    let (models, others) = (bundle.manifest.models, base.manifest.models)
    guard models == others else {
      throw .differentPairs("one has \(models.joined(separator: ", ")), the other \(others.joined(separator: ", "))")
    }
    let (size, other) = (bundle.configuration.vocabularySize, base.configuration.vocabularySize)
    guard size == other else { throw .differentPairs("their vocabularies have \(size) and \(other) tokens") }
  }
}

/// A position under one λ, or one model's direction there, as a chunk of work.
private struct ScoreJob: ParallelJob {
  let subject: TeacherForcing
  let base: TeacherForcing?
  let positions: Range<Int>
  let text: UnsafeBufferPointer<Int32>
  let scratch: UnsafeMutableBufferPointer<Float>
  let scores: UnsafeMutableBufferPointer<TokenScore>
  let directions: UnsafeMutableBufferPointer<DirectionSums>
  /// Aligned models whose directions are compared.
  let models: Int

  /// Chunks of a position.
  var perPosition: Int { subject.realignments.count + models }

  func run(chunk: Int, thread: Int) {
    let (row, part) = chunk.quotientAndRemainder(dividingBy: perPosition)
    let position = positions.lowerBound + row
    if part < subject.realignments.count {
      scores[row * subject.realignments.count + part] = score(part, position, thread)
    } else if let base {
      let model = part - subject.realignments.count
      guard let own = subject.direction(model: model + 1, at: position),
        let other = base.direction(model: model + 1, at: position)
      else { return }
      directions[row * models + model] = DirectionSums(own: own, base: other)
    }
  }

  private func score(_ index: Int, _ position: Int, _ thread: Int) -> TokenScore {
    let width = subject.vocabularySize
    func part(_ number: Int) -> UnsafeMutableBufferPointer<Float> {
      UnsafeMutableBufferPointer(rebasing: scratch[(2 * thread + number) * width..<(2 * thread + number + 1) * width])
    }
    let target = Int(text[position + 1])
    let logits = subject.logits(index, at: position, scratch: part(0))
    guard let base else { return TokenScore(logits, target: target) }
    return TokenScore(logits, base: base.logits(index, at: position, scratch: part(1)), target: target)
  }
}
