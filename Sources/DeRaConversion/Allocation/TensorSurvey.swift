import DeRaBundle
import DeRaCheckpoints
import DeRaGGUF
import DeRaModelSpec
import DeRaQuantization
import DeRaTensorCore

/// The bytes and the loss of every way to store one matrix.
package struct TensorSurvey: Sendable {
  struct Base: Sendable {
    let codec: PackedCodec
    /// Bytes in the file, padding included.
    let bytes: Int
    /// Σ error² / Σ W² of the sampled rows.
    let error: Double
  }

  struct Change: Sendable {
    let storage: DeltaStorage
    /// nil: as many as the reference's matrix takes.
    let bytes: Int?
    /// The part of Σ D² that is left out, and Σ error² of the rest, both relative to Σ D².
    let lost: Double
    let noise: Double
  }

  let spec: TensorSpec
  let base: [Base]
  /// For each aligned model, at least one.
  let changes: [[Change]]
  /// Σ D² / Σ W² of each aligned model.
  let differences: [Double]
}

/// Tries the ways of storing one matrix of all models.
struct MatrixSurveyor: Sendable {
  /// Ranks that are tried of differences that are not adapters.
  private static let ranks = [4, 8, 16, 32]
  private static let packed = PackedCodec.allCases.reversed().filter { $0 != .f16 }

  let spec: TensorSpec
  let models: [NamedCheckpoint]
  let options: ConversionOptions

  /// - Throws: `ConversionError`, `CheckpointError`, `TensorError`.
  func survey() throws -> TensorSurvey {
    let adapters = try models.indices.dropFirst().map(adapter)
    let read = try read(aligned: zip(models.dropFirst(), adapters).filter { $1 == nil }.map(\.0))
    let fixedCodec = options.choices.base[spec.name]
    let energy = read.reference.energy
    let base = try TensorRule.baseCodecs.filter { fixedCodec == nil || $0 == fixedCodec }.map { codec in
      TensorSurvey.Base(
        codec: codec, bytes: Self.fileBytes([try BundleTensor(spec: spec, model: 0, codec: .packed(codec))]),
        error: energy > 0 ? try read.reference.squaredError(codec) / energy : 0)
    }
    var changes: [[TensorSurvey.Change]] = []
    var differences: [Double] = []
    var rest = zip(read.aligned, read.differences).makeIterator()
    for (index, adapter) in adapters.enumerated() {
      let wanted = options.choices.changes[index + 1]?[spec.name]
      var found: (changes: [TensorSurvey.Change], difference: Double)?
      if let adapter {
        found = survey(adapter, squaredReference: read.squaredReference, wanted)
      } else if let (sample, difference) = rest.next() {
        found = try survey(sample, difference, wanted)
      }
      changes.append(found?.changes ?? [])
      differences.append(found?.difference ?? 0)
    }
    return TensorSurvey(spec: spec, base: base, changes: changes, differences: differences)
  }

  /// An adapter's factors and what they are stored as.
  private struct Adapter {
    let factors: LowRankFactors
    let tensors: [BundleTensor]
  }

  /// A model's adapter, where its factors are stored as they are or not at all; nil where it is to be merged.
  private func adapter(ofModel number: Int) throws -> Adapter? {
    guard !options.mergesAdapters, let update = models[number].checkpoint.updates[spec.name],
      update.rank <= min(spec.rows, spec.columns)
    else { return nil }
    let storage = DeltaStorage.lowRank(update.rank)
    let wanted = options.choices.changes[number]?[spec.name] ?? .shared
    guard wanted == .shared || wanted == storage, let tensors = try tensors(storage) else { return nil }
    return Adapter(factors: LowRankFactors(update), tensors: tensors)
  }

  // MARK: - Reading

  private struct Reading {
    var reference: WeightSample
    var squaredReference = 0.0
    /// D of each aligned model: a sample, and the sums over all of it.
    var aligned: [WeightSample]
    var differences: [TensorDifference]
  }

  private func read(aligned: [NamedCheckpoint]) throws -> Reading {
    let tensor = try BundleTensor(spec: spec, model: 0, codec: .packed(.int8))
    let bands = TensorBands(tensor: tensor, source: try models[0].source(spec.name))
    let others = try aligned.map { TensorBands(tensor: tensor, source: try $0.source(spec.name)) }
    let empty = WeightSample(columns: spec.columns)
    var reading = Reading(
      reference: empty, aligned: others.map { _ in empty }, differences: others.map { _ in TensorDifference() })
    let tiles = (spec.rows - 1) / PackedLayout.tileRows + 1
    let step = (tiles - 1) / WeightSample.tileLimit + 1
    var row = 0
    for band in 0..<bands.count {
      let weights = try bands.weights(band).values
      reading.reference.add(weights, first: row, step: step)
      reading.squaredReference += weights.reduce(0.0) { $0 + Double($1) * Double($1) }
      for index in others.indices {
        var values = try others[index].weights(band).values
        reading.differences[index].add(reference: weights, aligned: values)
        for position in values.indices { values[position] -= weights[position] }
        reading.aligned[index].add(values, first: row, step: step)
      }
      row += weights.count / spec.columns
      if bands.isReleasePoint(band) { for source in [bands] + others { source.source.release() } }
    }
    return reading
  }

  // MARK: - Changes

  private func survey(
    _ adapter: Adapter, squaredReference: Double, _ wanted: DeltaStorage?
  ) -> (changes: [TensorSurvey.Change], difference: Double) {
    guard !adapter.factors.isZero else { return ([.equal], 0) }
    let stored = StoredFactors(adapter.factors, tensors: adapter.tensors)
    let statistics = stored.content(squaredDifference: nil).statistics
    let error = statistics?.relativeError ?? 0
    let changes = [
      TensorSurvey.Change.leftOut,
      TensorSurvey.Change(
        storage: .lowRank(adapter.factors.rank), bytes: Self.fileBytes(adapter.tensors), lost: 0, noise: error * error),
    ]
    return (
      changes.filter { wanted == nil || $0.storage == wanted },
      squaredReference > 0 ? (statistics?.squaredDifference ?? 0) / squaredReference : 0
    )
  }

  private func survey(
    _ sample: WeightSample, _ difference: TensorDifference, _ wanted: DeltaStorage?
  ) throws -> (changes: [TensorSurvey.Change], difference: Double) {
    if difference.identical == difference.weights { return ([.equal], 0) }
    let square = difference.relative * difference.relative
    // Squares that overflow would decide every other matrix.
    let relative = square.isFinite ? square : 0
    if let wanted {
      let fixed = try changes([wanted], sample)
      return (fixed.isEmpty ? [.own] : fixed, relative)
    }
    guard difference.relative <= StoredTensors.differenceLimit else { return ([.own], relative) }
    let ranks = Self.ranks.filter { $0 <= greatestRank }.map(DeltaStorage.lowRank)
    return (try [.leftOut] + changes(ranks + Self.packed.map(DeltaStorage.packed), sample) + [.own], relative)
  }

  /// The loss of storing the difference in these ways; none of those that would take more than a matrix of 16 bits.
  private func changes(_ storages: [DeltaStorage], _ sample: WeightSample) throws -> [TensorSurvey.Change] {
    let ranks = storages.compactMap { if case .lowRank(let rank) = $0 { min(rank, greatestRank) } else { nil } }
    let kept = ranks.isEmpty ? [] : sample.keptByRank(ranks)
    let energy = sample.energy
    return try storages.compactMap { storage in
      guard let bytes = try tensors(storage).map(Self.fileBytes) else { return nil }
      switch storage {
      case .shared: return .leftOut
      case .own: return .own
      case .lowRank(let rank):
        let part = zip(ranks, kept).first { $0.0 == min(rank, greatestRank) }?.1 ?? 0
        return TensorSurvey.Change(storage: storage, bytes: bytes, lost: 1 - part, noise: 0)
      case .packed(let codec):
        let noise = energy > 0 ? try sample.squaredError(codec) / energy : 0
        return TensorSurvey.Change(storage: storage, bytes: bytes, lost: 0, noise: noise)
      }
    }
  }

  private var greatestRank: Int { min(spec.rows, spec.columns) }

  /// nil where they would take more than a matrix of 16 bits.
  private func tensors(_ storage: DeltaStorage) throws -> [BundleTensor]? {
    try storage.tensors(insteadOf: BundleTensor(spec: spec, model: 1, codec: .packed(.f16)))
  }

  private static func fileBytes(_ tensors: [BundleTensor]) -> Int {
    tensors.reduce(0) { $0 + $1.byteCount.roundedUp(toMultipleOf: GGUFWriter.alignment) }
  }
}

extension TensorSurvey.Change {
  /// The reference's matrix, which is the model's own.
  fileprivate static let equal = Self(storage: .shared, bytes: 0, lost: 0, noise: 0)
  /// The reference's matrix instead of the model's own.
  fileprivate static let leftOut = Self(storage: .shared, bytes: 0, lost: 1, noise: 0)
  fileprivate static let own = Self(storage: .own, bytes: nil, lost: 0, noise: 0)
}
