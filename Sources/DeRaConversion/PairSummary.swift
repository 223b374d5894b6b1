import DeRaText

/// How far an aligned model is from the reference, over its matrices, and what follows for the blend.
struct PairSummary {
  /// Rounding to bfloat16 changes a weight by 0.1 to 0.2 % of itself; differences not much larger did not survive it.
  private static let roundedLimit = 0.005

  let model: String
  /// The sum over the matrices that differ, as far as they were compared.
  private var changed = TensorDifference()
  private var matrices = 0
  private var unrelated = 0
  /// Matrices whose change would take more bytes than they do, by how it was to be stored.
  private var tooLarge: [DeltaStorage: Int] = [:]

  /// Tensors that are not the reference's.
  var changedTensors = 0
  /// Warnings of changes of which nothing is left to store.
  var lost: [String] = []

  init(model: String) { self.model = model }

  mutating func add(_ difference: TensorDifference, areAlike: Bool) {
    matrices += 1
    if areAlike { return }
    changed += difference
    if difference.relative > StoredTensors.differenceLimit { unrelated += 1 }
  }

  mutating func addTooLarge(_ storage: DeltaStorage) { tooLarge[storage, default: 0] += 1 }

  var warnings: [String] {
    lost + [equalWarning, unrelatedWarning, roundedWarning].compactMap { $0 } + tooLargeWarnings
  }

  private var equalWarning: String? {
    changedTensors > 0
      ? nil : "\(model) is the reference: no tensor differs as it is stored, so its λ changes nothing"
  }

  private var tooLargeWarnings: [String] {
    tooLarge.sorted { $0.key.name < $1.key.name }.map { storage, count in
      "\(count) of \(matrices) matrices of \(model) are stored whole, because their change as \(storage.name) would take "
        + "more bytes; choose a storage of fewer bits"
    }
  }

  private var unrelatedWarning: String? {
    guard unrelated > 0 else { return nil }
    return
      "\(model) is not a child of the reference: \(unrelated) of \(matrices) matrices differ by more than half of the "
      + "reference's weights (|D|/|W| = \(significant(changed.relative)) over those that differ); they are "
      + "stored whole, and no theory says what λ between such models means"
  }

  private var roundedWarning: String? {
    guard changed.weights > 0, changed.isAllBF16, 2 * changed.identical > changed.weights,
      changed.relative < Self.roundedLimit
    else { return nil }
    let share = Double(changed.identical) / Double(changed.weights) * 100
    return
      "rounding to bfloat16 has eaten part of the difference of \(model): \(fixed(share, 1)) % of the "
      + "weights of the matrices that differ are the reference's, and |D|/|W| is "
      + "\(significant(changed.relative)); take the f32 checkpoint or the adapter that it was made with"
  }
}
