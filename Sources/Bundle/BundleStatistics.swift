/// What one model of a bundle costs.
public struct ModelFootprint: Sendable, Equatable {
  /// Tensors stored for this model.
  public var ownTensors = 0
  /// Tensors taken from the reference.
  public var sharedTensors = 0
  public var ownBytes = 0
  public var sharedBytes = 0
  /// Weights of the whole model, own and shared.
  public var weights = 0

  /// What the model adds to the file, for each of its weights.
  public var ownBitsPerWeight: Double { weights == 0 ? 0 : Double(ownBytes) * 8 / Double(weights) }
  /// What running this model alone reads, for each of its weights.
  public var bitsPerWeight: Double { weights == 0 ? 0 : Double(ownBytes + sharedBytes) * 8 / Double(weights) }
}

extension BundleManifest {
  /// What model number `model` stores and what it shares; the reference shares nothing.
  public func footprint(model: Int) -> ModelFootprint {
    var footprint = ModelFootprint()
    for spec in configuration.tensors {
      guard let tensor = tensor(spec.name, model: model) else { continue }
      footprint.weights += tensor.weights
      if tensor.model == model {
        footprint.ownTensors += 1
        footprint.ownBytes += tensor.byteCount
      } else {
        footprint.sharedTensors += 1
        footprint.sharedBytes += tensor.byteCount
      }
    }
    return footprint
  }

  /// Bytes of the weights of all models.
  public var weightBytes: Int { tensors.reduce(0) { $0 + $1.byteCount } }

  /// Bits stored for each weight of each model: 8.5 for one int8 model, half of that for two that share everything.
  public var bitsPerWeight: Double {
    let weights = models.indices.reduce(0) { $0 + footprint(model: $1).weights }
    return weights == 0 ? 0 : Double(weightBytes) * 8 / Double(weights)
  }
}
