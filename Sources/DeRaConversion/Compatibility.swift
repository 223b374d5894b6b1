import DeRaCheckpoints
import DeRaModelSpec

/// Whether the logits of two models can be blended, and the configuration they share.
enum Compatibility {
  /// A hyper-parameter both models must agree on.
  private struct Field: Sendable {
    let name: String
    let text: @Sendable (ModelConfiguration) -> String
    let agree: @Sendable (ModelConfiguration, ModelConfiguration) -> Bool

    init(_ name: String, _ value: @escaping @Sendable (ModelConfiguration) -> some Equatable & Sendable) {
      self.name = name
      text = { "\(value($0))" }
      agree = { value($0) == value($1) }
    }

    /// Numbers that formats round differently.
    init(_ name: String, approximate value: @escaping @Sendable (ModelConfiguration) -> [Float]) {
      self.name = name
      text = { value($0).map { "\($0)" }.joined(separator: ", ") }
      agree = { Self.nearlyEqual(value($0), value($1)) }
    }

    private static func nearlyEqual(_ left: [Float], _ right: [Float]) -> Bool {
      left.count == right.count
        && zip(left, right).allSatisfy { ($0 - $1).magnitude <= 1e-5 * max($0.magnitude, $1.magnitude) }
    }
  }

  private static let fields: [Field] = [
    Field("architecture", \.architecture.name),
    Field("hidden size", \.hiddenSize),
    Field("number of layers", \.layers),
    Field("number of heads", \.heads),
    Field("number of key-value heads", \.kvHeads),
    Field("head size", \.headDim),
    Field("feed-forward size", \.feedForwardSize),
    Field("norm epsilon", approximate: { [$0.normEpsilon] }),
    Field("embedding scale", approximate: { [$0.embeddingScale] }),
    Field("attention scale", approximate: { [$0.attentionScale] }),
    Field("RoPE base", approximate: { [$0.rope.theta] }),
    Field("RoPE magnitude", approximate: { [$0.rope.magnitude] }),
    Field("RoPE inverse frequencies", approximate: \.rope.inverseFrequencies),
    Field("RoPE of sliding layers", approximate: { $0.slidingRope?.inverseFrequencies ?? [] }),
    Field("sliding window", { $0.layerSlides.contains(true) ? $0.slidingWindow ?? 0 : 0 }),
    Field("sliding layers", \.layerSlides),
  ]

  /// The configuration of the bundle: the reference's, with the shortest context and no more rows of the embedding table
  /// than every model has.
  ///
  /// - Throws: `ConversionError` naming the field that differs, with both values.
  static func configuration(
    _ models: [NamedCheckpoint], leavesOutOthers: Bool
  ) throws(ConversionError) -> ModelConfiguration {
    var shared = models[0].checkpoint.configuration
    for model in models.dropFirst() {
      let configuration = model.checkpoint.configuration
      for field in fields where !field.agree(shared, configuration) {
        throw .incompatible(
          field: field.name, reference: field.text(shared), aligned: field.text(configuration), model: model.name)
      }
      shared.contextLength = min(shared.contextLength, configuration.contextLength)
    }
    shared.vocabularySize = try SharedVocabulary(models, leavesOutOthers: leavesOutOthers).rows
    return shared
  }

  /// Ids that end an answer of any of the models, the reference's first.
  static func endOfTextIDs(_ models: [NamedCheckpoint], vocabularySize: Int) -> [Int] {
    var seen: Set<Int> = []
    return models.flatMap(\.checkpoint.endOfTextIDs).filter {
      (0..<vocabularySize).contains($0) && seen.insert($0).inserted
    }
  }
}
