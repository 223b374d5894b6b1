import DeRaText

/// All ways to store one matrix, with their costs and which were chosen: for people and (encoded) for programs.
package struct StorageExplanation: Sendable, Equatable, Codable {
  package struct Way: Sendable, Equatable, Codable {
    package var model: String
    package var storage: String
    package var bytes: Int
    /// Loss as a share of the matrix (reference) or of the difference (aligned models), root mean square; nil where the
    /// matrix loses what the reference's does.
    package var loss: Double?
    /// Expected KL, nats.
    package var kl: Double
    package var isStored: Bool
  }

  package var tensor: String
  package var role: String
  package var rows: Int
  package var columns: Int
  /// |D|/|W| of each aligned model.
  package var differences: [Double]
  package var lambdaRange: LambdaRange
  /// Nats that a byte is worth; nil where nothing was allocated.
  package var priceOfByte: Double?
  /// The reference's ways first.
  package var ways: [Way]
  /// Names of the models, the reference's first.
  package var models: [String]
}

extension StoragePlanner {
  /// One row for each way to store a matrix.
  /// - Parameters:
  ///   - models: names, the reference's first.
  ///   - plan: the tensors as they are stored.
  ///   - choice: nil where nothing was allocated.
  /// - Throws: `ConversionError.noSuchTensor`.
  package func explanation(
    of name: String, models: [String], plan: PlanReport, choice: Choice?
  ) throws(ConversionError) -> StorageExplanation {
    guard let index = survey.firstIndex(where: { $0.spec.name == name }),
      let stored = plan.tensors.first(where: { $0.name == name })
    else { throw .noSuchTensor(name) }
    let (tensor, item) = (survey[index], items[index])
    var ways = zip(tensor.base, item.base).map { candidate, base in
      StorageExplanation.Way(
        model: models[0], storage: candidate.codec.rawValue, bytes: base.bytes, loss: candidate.error.squareRoot(),
        kl: base.distortion, isStored: candidate.codec.rawValue == stored.base)
    }
    let ownBytes = tensor.base.first { $0.codec.rawValue == stored.base }?.bytes ?? 0
    for model in tensor.changes.indices {
      ways += zip(tensor.changes[model], item.changes[model]).map { candidate, change in
        let name = candidate.storage.name
        let loss = (candidate.lost > 0 ? candidate.lost : candidate.noise).squareRoot()
        return StorageExplanation.Way(
          model: models[model + 1], storage: name, bytes: change.bytes ?? ownBytes,
          loss: candidate.storage == .own ? nil : loss, kl: change.distortion,
          isStored: stored.changes[model] == name || stored.changes[model].hasPrefix("\(name) "))
      }
    }
    let price = choice?.allocation.price ?? 0
    return StorageExplanation(
      tensor: name, role: tensor.spec.role.rawValue, rows: tensor.spec.rows, columns: tensor.spec.columns,
      differences: tensor.differences.map { $0.squareRoot() }, lambdaRange: range,
      priceOfByte: price > 0 && price.isFinite ? price : nil, ways: ways, models: models)
  }
}

extension StorageExplanation {
  /// One line for each way: bytes, what it loses, the KL that costs, and an arrow at the chosen ones.
  package var text: String {
    var table = Table([
      .init("", .left), .init("model", .left), .init("storage", .left), .init("bytes"), .init("loses"), .init("KL"),
      .init("KL + price"),
    ])
    for way in ways {
      let whole = way.model == models[0] ? "|W|" : "|D|"
      table.rows.append([
        way.isStored ? "→" : "", way.model, way.storage, "\(way.bytes)",
        way.loss.map { "\(significant($0 * 100)) % of \(whole)" } ?? "like the reference", scientific(way.kl),
        priceOfByte.map { scientific(way.kl + $0 * Double(way.bytes)) } ?? "",
      ])
    }
    let legend =
      priceOfByte == nil
      ? "→ is stored"
      : "→ is stored: of what each model may store, the least KL + price (bytes times the price of a byte)"
    return ([heading] + table.lines + [legend]).joined(separator: "\n")
  }

  private var heading: String {
    var text = "\(tensor): \(role), \(rows) × \(columns)"
    for (model, difference) in zip(models.dropFirst(), differences) {
      text += ", |D|/|W| of \(model) \(significant(difference))"
    }
    text += "; KL in nats at the ends of λ \(lambdaRange)"
    if let priceOfByte { text += "; the price of a MB is \(scientific(priceOfByte * 1e6)) nats" }
    return text
  }
}
