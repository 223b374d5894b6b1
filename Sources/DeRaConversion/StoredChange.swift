import DeRaBundle
import DeRaModelSpec
import DeRaQuantization

/// The stored form of one matrix of an aligned model, and its loss.
struct StoredChange {
  let tensors: [BundleTensor]
  /// Sums over the matrix; for an own matrix only the first two, from the bands that were compared.
  let statistics: ChangeStatistics

  /// - Parameters:
  ///   - packing: the statistics of the entry's only tensor, or of its last.
  ///   - squaredReference: Σ W² of the reference's matrix.
  init(
    entry: StoredTensors.Entry, content: StoredTensors.Content, packing: PackingStatistics, squaredReference: Double
  ) {
    tensors = entry.tensors
    var statistics = content.statistics ?? ChangeStatistics()
    statistics.squaredReference = squaredReference
    if content.statistics == nil, entry.tensors.first?.part == .delta {
      statistics.squaredDifference = packing.squaredWeights
      statistics.squaredError = packing.squaredError
      statistics.product = packing.product
    } else if content.statistics == nil {
      statistics.squaredReference = entry.difference.squaredReference
      statistics.squaredDifference = entry.difference.squaredDifference
    }
    self.statistics = statistics
  }

  var kind: String {
    switch tensors.first?.part {
    case .delta: "delta"
    case .loraA(let rank), .loraB(let rank): "rank \(rank)"
    case .whole, nil: "own"
    }
  }
  var codec: String { tensors.map(\.codec.name).joined(separator: " · ") }
}

extension ConversionReport {
  /// The changes of each model, summed over matrices of the same role that are stored alike.
  static func changes(_ changes: [StoredChange], models: [String]) -> [Change] {
    let groups = Dictionary(grouping: changes) { change in
      let tensor = change.tensors.first
      return [models[tensor?.model ?? 0], tensor?.spec.role.rawValue ?? "", change.kind, change.codec]
    }
    let roles = TensorSpec.Role.allCases.map(\.rawValue)
    let order = groups.keys.sorted { left, right in
      let (one, two) = (models.firstIndex(of: left[0]) ?? 0, models.firstIndex(of: right[0]) ?? 0)
      let (role, other) = (roles.firstIndex(of: left[1]) ?? 0, roles.firstIndex(of: right[1]) ?? 0)
      return (one, role, left[2], left[3]) < (two, other, right[2], right[3])
    }
    return order.map { key in
      let members = groups[key] ?? []
      var sum = ChangeStatistics()
      for member in members { sum += member.statistics }
      let bytes = members.flatMap(\.tensors).reduce(0) { $0 + $1.byteCount }
      let weights = members.compactMap(\.tensors.first?.spec).reduce(0) { $0 + $1.rows * $1.columns }
      let isOwn = key[2] == "own"
      return Change(
        model: key[0], role: key[1], kind: key[2], codec: key[3], tensors: members.count,
        bitsPerWeight: Double(bytes) * 8 / Double(max(1, weights)), relativeDifference: sum.relativeDifference,
        relativeError: isOwn ? nil : sum.relativeError, gain: isOwn ? nil : sum.gain)
    }
  }
}
