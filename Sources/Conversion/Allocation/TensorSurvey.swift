import Bundle
import Checkpoints
import GGUF
import ModelSpec
import Quantization
import TensorCore

/// What storing one matrix in each possible way takes and loses.
public struct TensorSurvey: Sendable {
  struct Base: Sendable {
    let codec: PackedCodec
    /// In the file, padding included.
    let bytes: Int
    /// Σ error² / Σ W², columns weighted by the second moments of their inputs.
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
  private static let packed: [PackedCodec] = [.int1, .ternary, .int2, .int4, .int6, .int8]

  let spec: TensorSpec
  let models: [NamedCheckpoint]
  let options: ConversionOptions
  /// `[columns]`: mean squares of the matrix's inputs; nil where they are not known.
  let moments: [Float]?

  /// - Throws: `ConversionError`, `CheckpointError`, `TensorError`.
  func survey() throws -> TensorSurvey {
    let adapters = models.indices.dropFirst().map(factors)
    let read = try read(aligned: zip(models.dropFirst(), adapters).filter { $1 == nil }.map(\.0))
    let fixedCodec = options.choices.base[spec.name]
    let energy = read.reference.energy(moments)
    let base = try TensorRule.baseCodecs.filter { fixedCodec == nil || $0 == fixedCodec }.map { codec in
      TensorSurvey.Base(
        codec: codec, bytes: Self.fileBytes([try BundleTensor(spec: spec, model: 0, codec: .packed(codec))]),
        error: energy > 0 ? try read.reference.squaredError(codec, moments) / energy : 0)
    }
    var changes: [[TensorSurvey.Change]] = []
    var differences: [Double] = []
    var rest = zip(read.aligned, read.differences).makeIterator()
    for (index, adapter) in adapters.enumerated() {
      let wanted = options.choices.changes[index + 1]?[spec.name]
      var found: (changes: [TensorSurvey.Change], difference: Double)?
      if let adapter {
        found = try survey(adapter, squaredReference: read.squaredReference)
      } else if let (sample, difference) = rest.next() {
        found = try survey(sample, difference, read.reference, wanted)
      }
      let fixed = found?.changes.filter { wanted == nil || $0.storage == wanted } ?? []
      changes.append(fixed.isEmpty ? found?.changes ?? [] : fixed)
      differences.append(found?.difference ?? 0)
    }
    return TensorSurvey(spec: spec, base: base, changes: changes, differences: differences)
  }

  /// An adapter's factors, where they are stored as they are or not at all.
  private func factors(ofModel number: Int) -> LowRankFactors? {
    guard !options.mergesAdapters, let update = models[number].checkpoint.updates[spec.name],
      update.rank <= min(spec.rows, spec.columns)
    else { return nil }
    let wanted = options.choices.changes[number]?[spec.name] ?? .shared
    return wanted == .shared || wanted == .lowRank(update.rank) ? LowRankFactors(update) : nil
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
    _ factors: LowRankFactors, squaredReference: Double
  ) throws -> (changes: [TensorSurvey.Change], difference: Double) {
    let whole = try BundleTensor(spec: spec, model: 1, codec: .packed(.f16))
    let storage = DeltaStorage.lowRank(factors.rank)
    guard !factors.isZero, let tensors = try storage.tensors(insteadOf: whole) else {
      return ([TensorSurvey.Change(storage: .shared, bytes: 0, lost: 0, noise: 0)], 0)
    }
    let statistics = StoredFactors(factors, tensors: tensors).content(squaredDifference: nil).statistics
    let error = statistics?.relativeError ?? 0
    return (
      [
        TensorSurvey.Change(storage: .shared, bytes: 0, lost: 1, noise: 0),
        TensorSurvey.Change(storage: storage, bytes: Self.fileBytes(tensors), lost: 0, noise: error * error),
      ],
      squaredReference > 0 ? (statistics?.squaredDifference ?? 0) / squaredReference : 0
    )
  }

  private func survey(
    _ sample: WeightSample, _ difference: TensorDifference, _ reference: WeightSample, _ wanted: DeltaStorage?
  ) throws -> (changes: [TensorSurvey.Change], difference: Double) {
    if difference.identical == difference.weights {
      return ([TensorSurvey.Change(storage: .shared, bytes: 0, lost: 0, noise: 0)], 0)
    }
    let own = TensorSurvey.Change(storage: .own, bytes: nil, lost: 0, noise: 0)
    let relative = difference.relative * difference.relative
    guard difference.relative <= ConversionPlan.differenceLimit || wanted != nil else { return ([own], relative) }
    let energy = sample.energy(moments)
    var changes = [TensorSurvey.Change(storage: .shared, bytes: 0, lost: 1, noise: 0)]
    var ranks = Self.ranks
    if case .lowRank(let rank)? = wanted, !ranks.contains(rank) { ranks.append(rank) }
    ranks = ranks.filter { $0 <= min(spec.rows, spec.columns) }
    for (rank, kept) in zip(ranks, sample.keptByRank(ranks)) {
      if let bytes = try bytes(.lowRank(rank)) {
        changes.append(TensorSurvey.Change(storage: .lowRank(rank), bytes: bytes, lost: 1 - kept, noise: 0))
      }
    }
    for codec in Self.packed {
      guard let bytes = try bytes(.packed(codec)) else { continue }
      let noise = energy > 0 ? try sample.squaredError(codec, moments) / energy : 0
      changes.append(TensorSurvey.Change(storage: .packed(codec), bytes: bytes, lost: 0, noise: noise))
    }
    // The sample says what the columns' weights make of the difference, all rows say how large it is.
    let plain = sample.energy(nil) * reference.energy(moments)
    let weighing = plain > 0 ? energy * reference.energy(nil) / plain : 1
    return (changes + [own], relative * weighing)
  }

  /// nil where it would take more than a matrix of 16 bits.
  private func bytes(_ storage: DeltaStorage) throws -> Int? {
    try storage.tensors(insteadOf: BundleTensor(spec: spec, model: 1, codec: .packed(.f16))).map(Self.fileBytes)
  }

  private static func fileBytes(_ tensors: [BundleTensor]) -> Int {
    tensors.reduce(0) { $0 + $1.byteCount.roundedUp(toMultipleOf: GGUFWriter.alignment) }
  }
}
