import Bundle
import Checkpoints
import ModelSpec
import TensorCore

/// What is stored, in the file's order: each tensor of the reference, followed by what the aligned models have instead of it
/// or add to it.
struct ConversionPlan {
  /// One tensor of one model, stored as one matrix or as two factors.
  struct Entry: Sendable {
    let tensors: [BundleTensor]
    /// From the bands that were compared; nothing for the reference and for adapters.
    var difference = TensorDifference()
    /// Gives the weights; called once, when they are to be written.
    let open: @Sendable () async throws -> Content
  }

  /// The weights of an entry.
  struct Content: Sendable {
    /// One for each tensor of the entry.
    var sources: [any TensorSource]
    /// Of factors: what they and their stored form keep of the difference.
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
    _ progress: @escaping ConversionProgressHandler
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
      let tensor = try TensorBands(tensor: tensor, source: source).tensorWithBestTable()
      entries.append(Entry(tensors: [tensor]) { Content(sources: [source]) })
      for (number, model) in models.enumerated().dropFirst() {
        let pair = Pair(
          reference: TensorBands(tensor: tensor, source: source), aligned: try model.source(tensor.spec.name),
          model: number, name: model.name,
          update: options.mergesAdapters ? nil : model.checkpoint.updates[tensor.spec.name],
          options: options)
        let entry = try pair.entry(&pairs[number]) { try meter.advance($0, tensor.spec.name) }
        if let entry { entries.append(entry) }
        finished += tensor.byteCount
        try meter.jump(to: finished, tensor.spec.name)
      }
    }
    warnings = pairs.flatMap(\.warnings)
  }
}

/// One tensor of the reference and of an aligned model.
private struct Pair {
  let reference: TensorBands
  let aligned: any TensorSource
  let model: Int
  let name: String
  /// What an adapter adds to the reference's.
  let update: LowRankUpdate?
  let options: ConversionOptions

  private var spec: TensorSpec { reference.tensor.spec }

  /// What is stored of the aligned model's tensor; nil for nothing.
  /// - Throws: `CheckpointError`, `TensorError`, and what `progress` throws.
  func entry(_ summary: inout PairSummary, _ progress: (Int) throws -> Void) throws -> ConversionPlan.Entry? {
    if let update, spec.role.isMatrix, let tensors = try factorTensors(update.rank) {
      let factors = LowRankFactors(update)
      if factors.isZero { return nil }
      return ConversionPlan.Entry(tensors: tensors) {
        StoredFactors(factors, tensors: tensors).content(squaredDifference: nil)
      }
    }
    let own = try BundleTensor(
      spec: spec, model: model, codec: reference.tensor.codec, table: reference.tensor.table)
    let isDifference = options.delta != .own && spec.role.isMatrix
    let (areAlike, difference) = try TensorComparison.compare(
      reference, TensorBands(tensor: own, source: aligned), isDifference ? .equal : .storedAlike, progress: progress)
    if spec.role.isMatrix { summary.add(difference, areAlike: areAlike) }
    if areAlike { return nil }
    if isDifference, difference.relative <= ConversionPlan.differenceLimit, let entry = try change(difference) {
      return entry
    }
    let source = aligned
    return ConversionPlan.Entry(tensors: [own], difference: difference) {
      ConversionPlan.Content(sources: [source])
    }
  }

  /// The difference as the options say; nil where it would take no fewer bytes than the whole matrix.
  private func change(_ difference: TensorDifference) throws -> ConversionPlan.Entry? {
    let source = DifferenceTensor(aligned: aligned, reference: reference.source)
    switch options.delta {
    case .own: return nil
    case .packed(let codec):
      let tensor = try BundleTensor(spec: spec, model: model, part: .delta, codec: .packed(codec))
      guard tensor.byteCount <= reference.tensor.byteCount else { return nil }
      return ConversionPlan.Entry(tensors: [tensor], difference: difference) {
        ConversionPlan.Content(sources: [source])
      }
    case .lowRank(let wanted):
      let rank = min(wanted, spec.rows, spec.columns)
      guard let tensors = try factorTensors(rank) else { return nil }
      let whole = try BundleTensor(spec: spec, model: model, part: .delta, codec: reference.tensor.codec)
      let (name, options) = (name, options)
      return ConversionPlan.Entry(tensors: tensors, difference: difference) {
        let bands = TensorBands(tensor: whole, source: source)
        let found = try await LowRankApproximation(of: bands, rank: rank, width: options.width)
        guard found.nonFinite == 0 || !options.isStrict else {
          throw ConversionError.nonFinite(tensor: whole.name, model: name, count: found.nonFinite)
        }
        var content = StoredFactors(found.factors, tensors: tensors).content(squaredDifference: found.squaredNorm)
        if found.nonFinite > 0 {
          content.warnings.append(
            "\(found.nonFinite) weights of \(whole.name) of \(name) are NaN or infinite; taken as 0 and ±65504")
        }
        return content
      }
    }
  }

  /// a in 8 bits, b in half precision; nil where they would take no fewer bytes than the whole matrix.
  private func factorTensors(_ rank: Int) throws -> [BundleTensor]? {
    guard rank <= min(spec.rows, spec.columns) else { return nil }
    let tensors = [
      try BundleTensor(spec: spec, model: model, part: .loraA(rank: rank), codec: .packed(.int8)),
      try BundleTensor(spec: spec, model: model, part: .loraB(rank: rank), codec: .packed(.f16)),
    ]
    return tensors.reduce(0) { $0 + $1.byteCount } < reference.tensor.byteCount ? tensors : nil
  }
}
