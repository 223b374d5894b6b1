import DeRaBundle
import DeRaCheckpoints
import DeRaModelSpec
import DeRaQuantization
import DeRaTensorCore

/// The stored tensors in the file's order: each tensor of the reference, followed by what the aligned models have
/// instead of it or add to it.
struct StoredTensors {
  /// One tensor of one model, stored as one matrix or as two factors.
  struct Entry: Sendable {
    let tensors: [BundleTensor]
    /// Sums over the bands that were compared; nothing for the reference and for adapters.
    var difference = TensorDifference()
    /// Gives the weights; called once, when they are to be written.
    let open: @Sendable () async throws -> Content
  }

  /// The weights of an entry.
  struct Content: Sendable {
    /// One for each tensor of the entry.
    var sources: [any TensorSource]
    /// The part of the difference that factors and their stored form keep; nil for packed deltas.
    var statistics: ChangeStatistics?
    var warnings: [String] = []
  }

  /// Differences larger than this part of the reference's weights are no differences: |D| / |W| of independent models is 1.4.
  static let differenceLimit = 0.5

  private(set) var entries: [Entry] = []
  let warnings: [String]

  private let options: ConversionOptions

  /// Decides what aligned models share, which reads the tensors that they do.
  /// - Throws: `ConversionError`, `CheckpointError`, `TensorError`, and what `progress` throws.
  init(
    _ models: [NamedCheckpoint], _ configuration: ModelConfiguration, _ options: ConversionOptions,
    _ calibration: CalibrationStatistics?, _ progress: @escaping ConversionProgressHandler
  ) throws {
    self.options = options
    let inventory = try configuration.tensors.map { spec in
      try BundleTensor(spec: spec, model: 0, codec: options.codec(for: spec))
    }
    let total = inventory.reduce(0) { $0 + $1.byteCount } * (models.count - 1)
    var meter = ProgressMeter(phase: .comparing, total: total, handler: progress)
    var finished = 0
    var pairs = models.map { PairSummary(model: $0.name) }
    for tensor in inventory {
      let source = try models[0].source(tensor.spec.name)
      let feedback = calibration?.feedback(for: tensor)
      let tensor = try TensorBands(tensor: tensor, source: source, feedback: feedback).tensorWithBestTable()
      entries.append(Entry(tensors: [tensor]) { Content(sources: [source]) })
      for (number, model) in models.enumerated().dropFirst() {
        let pair = Pair(
          reference: TensorBands(tensor: tensor, source: source, feedback: feedback),
          aligned: try model.source(tensor.spec.name), feedback: feedback,
          model: number, name: model.name,
          update: options.mergesAdapters ? nil : model.checkpoint.updates[tensor.spec.name],
          options: options)
        let entry = try pair.entry(&pairs[number]) { try meter.advance($0, tensor.spec.name) }
        if let entry {
          entries.append(entry)
          pairs[number].changedTensors += 1
        }
        finished += tensor.byteCount
        try meter.jump(to: finished, tensor.spec.name)
      }
    }
    warnings = pairs.dropFirst().flatMap(\.warnings)
  }
}

/// One tensor of the reference and of an aligned model.
private struct Pair {
  let reference: TensorBands
  let aligned: any TensorSource
  /// Error feedback from the matrices' input, for a matrix that is stored whole.
  let feedback: ErrorFeedback?
  let model: Int
  let name: String
  /// The addition of an adapter to the reference's tensor.
  let update: LowRankUpdate?
  let options: ConversionOptions

  private var spec: TensorSpec { reference.tensor.spec }

  /// The stored form of the aligned model's tensor; nil for nothing.
  /// - Throws: `CheckpointError`, `TensorError`, and what `progress` throws.
  func entry(_ summary: inout PairSummary, _ progress: (Int) throws -> Void) throws -> StoredTensors.Entry? {
    let chosen = options.choices.changes[model]?[spec.name]
    let own = try BundleTensor(
      spec: spec, model: model, codec: reference.tensor.codec, table: reference.tensor.table)
    if let update, let tensors = try adapterTensors(update, chosen, own) {
      let factors = LowRankFactors(update)
      let warnings = try Self.nonFinite(factors.nonFinite, spec.name, name, options)
      if factors.isZero || tensors.isEmpty {
        summary.lost += warnings
        return nil
      }
      return StoredTensors.Entry(tensors: tensors) {
        var content = StoredFactors(factors, tensors: tensors).content(squaredDifference: nil)
        content.warnings += warnings
        return content
      }
    }
    let storage = spec.role.isMatrix ? chosen ?? options.delta : .own
    let (areAlike, difference) = try TensorComparison.compare(
      reference, TensorBands(tensor: own, source: aligned, feedback: feedback),
      storage == .own ? .storedAlike : .equal, progress: progress)
    if spec.role.isMatrix { summary.add(difference, areAlike: areAlike) }
    if areAlike { return nil }
    // What was chosen for this tensor knows its difference already.
    if chosen != nil || difference.relative <= StoredTensors.differenceLimit {
      if let tensors = try storage.tensors(insteadOf: own) { return entry(storage, tensors, difference) }
      summary.addTooLarge(storage)
    }
    return entry(.own, [own], difference)
  }

  /// The tensors that keep an adapter's factors as they are; none where they are chosen to be left out, nil where the
  /// adapter is to be merged.
  private func adapterTensors(
    _ update: LowRankUpdate, _ chosen: DeltaStorage?, _ own: BundleTensor
  ) throws -> [BundleTensor]? {
    guard spec.role.isMatrix, update.rank <= min(spec.rows, spec.columns) else { return nil }
    let factors = DeltaStorage.lowRank(update.rank)
    guard chosen == nil || chosen == .shared || chosen == factors else { return nil }
    return try (chosen ?? factors).tensors(insteadOf: own)
  }

  private func entry(
    _ storage: DeltaStorage, _ tensors: [BundleTensor], _ difference: TensorDifference
  ) -> StoredTensors.Entry? {
    let (aligned, change) = (aligned, DifferenceTensor(aligned: aligned, reference: reference.source))
    switch storage {
    case .shared: return nil
    case .own:
      return StoredTensors.Entry(tensors: tensors, difference: difference) {
        StoredTensors.Content(sources: [aligned])
      }
    case .packed:
      return StoredTensors.Entry(tensors: tensors, difference: difference) {
        StoredTensors.Content(sources: [change])
      }
    case .lowRank:
      let (name, options, codec, spec) = (name, options, reference.tensor.codec, spec)
      return StoredTensors.Entry(tensors: tensors, difference: difference) {
        let whole = try BundleTensor(spec: spec, model: tensors[0].model, part: .delta, codec: codec)
        return try await Self.factors(of: TensorBands(tensor: whole, source: change), tensors, name, options)
      }
    }
  }

  /// The factors nearest to a difference, of the rank that `tensors` have.
  private static func factors(
    of bands: TensorBands, _ tensors: [BundleTensor], _ name: String, _ options: ConversionOptions
  ) async throws -> StoredTensors.Content {
    let found = try await LowRankApproximation(of: bands, rank: tensors[0].rows, width: options.width)
    var content = StoredFactors(found.factors, tensors: tensors).content(squaredDifference: found.squaredNorm)
    content.warnings += try nonFinite(found.nonFinite, bands.tensor.name, name, options)
    return content
  }

  /// The warnings for weights that were replaced.
  /// - Throws: `ConversionError.nonFinite` when strict.
  private static func nonFinite(
    _ count: Int, _ tensor: String, _ model: String, _ options: ConversionOptions
  ) throws(ConversionError) -> [String] {
    guard count > 0 else { return [] }
    guard !options.isStrict else { throw .nonFinite(tensor: tensor, model: model, count: count) }
    return ["\(count) weights of \(tensor) of \(model) are NaN or infinite; taken as 0 and ±65504"]
  }
}
