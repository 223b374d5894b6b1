import DeRaModelSpec

extension ModelWeights {
  /// One model of blended weights, W = W_ref + Σ λᵢ·(Wᵢ − W_ref): one column and one KV cache for any number of models.
  ///
  /// Matrices stay where they are. What models share of the reference's is one product, their changes are further ones,
  /// times λ; vectors are blended here. λ = 0 is the reference to the bit and λ = 1 of one model that model.
  /// - Parameters:
  ///   - models: the reference first; they must outlive the blend.
  ///   - lambdas: one for every model after the reference.
  package init(blending models: [ModelWeights], lambdas: [Float], _ configuration: ModelConfiguration) {
    precondition(models.count == lambdas.count + 1, "one λ for every aligned model")
    let memory = WeightMemory()
    func linear(_ part: (ModelWeights) -> Linear) -> Linear {
      Linear(blending: models.map(part), lambdas: lambdas, memory)
    }
    func vector(_ count: Int, _ part: (ModelWeights) -> UnsafePointer<Float>?) -> UnsafePointer<Float>? {
      Self.blend(models.compactMap(part), lambdas, count: count, memory)
    }
    var layers = models[0].layers
    for index in layers.indices {
      for path in LayerWeights.Matrices.all {
        layers[index].matrices[keyPath: path] = linear { $0.layers[index].matrices[keyPath: path] }
      }
      for (path, count) in LayerWeights.vectors(configuration) {
        layers[index][keyPath: path] = vector(count) { $0.layers[index][keyPath: path] }
      }
    }
    self.init(
      embedding: linear(\.embedding), output: linear(\.output),
      outputNorm: vector(configuration.hiddenSize) { $0.outputNorm } ?? models[0].outputNorm, layers: layers,
      memory: memory)
  }

  /// nil where the architecture has no such vector; the reference's own where no other model differs.
  private static func blend(
    _ vectors: [UnsafePointer<Float>], _ lambdas: [Float], count: Int, _ memory: WeightMemory
  ) -> UnsafePointer<Float>? {
    guard let reference = vectors.first else { return nil }
    let others = zip(vectors.dropFirst(), lambdas).filter { $0.0 != reference && $0.1 != 0 }
    if others.isEmpty { return reference }
    let rest = ReferenceShare.of(others.map(\.1))
    let values = (0..<count).map { index in
      Float(others.reduce(rest * Double(reference[index])) { $0 + Double($1.1) * Double($1.0[index]) })
    }
    return memory.store(values).baseAddress
  }
}

extension Linear {
  /// Σ of the models' matrices, (1 − Σ λᵢ of those with matrices of their own) · W_ref + …
  fileprivate init(blending models: [Linear], lambdas: [Float], _ memory: WeightMemory) {
    let reference = models[0]
    var own: [Float] = []
    var changes: [Change] = []
    for (model, lambda) in zip(models.dropFirst(), lambdas) where lambda != 0 {
      if model.matrix.bytes != reference.matrix.bytes {
        own.append(lambda)
        changes.append(Change(model.matrix, scale: lambda, holdsFullWeights: true))
      }
      for var change in model.changes {
        change.scale *= lambda
        changes.append(change)
      }
    }
    let rest = Float(ReferenceShare.of(own))
    // A reference that counts for nothing is not read.
    if rest == 0, let first = changes.firstIndex(where: \.holdsFullWeights) {
      let whole = changes.remove(at: first)
      self.init(matrix: whole.matrix, scale: whole.scale, changes: memory.store(changes))
    } else {
      self.init(matrix: reference.matrix, scale: rest, changes: memory.store(changes))
    }
  }
}

extension LayerWeights {
  /// A layer's vectors and their lengths.
  fileprivate static func vectors(
    _ configuration: ModelConfiguration
  ) -> [(path: WritableKeyPath<LayerWeights, Vector?>, count: Int)] {
    let isPerHead = configuration.architecture.queryKeyNorm == .perHead
    return [
      (\.attentionNorm, configuration.hiddenSize), (\.postAttentionNorm, configuration.hiddenSize),
      (\.feedForwardNorm, configuration.hiddenSize), (\.postFeedForwardNorm, configuration.hiddenSize),
      (\.queryNorm, isPerHead ? configuration.headDim : configuration.queryWidth),
      (\.keyNorm, isPerHead ? configuration.headDim : configuration.kvWidth),
      (\.queryBias, configuration.queryWidth), (\.keyBias, configuration.kvWidth),
      (\.valueBias, configuration.kvWidth),
    ]
  }
}
