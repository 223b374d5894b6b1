/// The bytes and weights of one model of a bundle.
package struct ModelFootprint: Sendable, Equatable {
  /// Tensors stored whole for this model.
  package var ownTensors = 0
  /// Tensors taken from the reference, with something added.
  package var changedTensors = 0
  /// Tensors taken from the reference as they are.
  package var sharedTensors = 0
  /// Bytes stored for this model: its own tensors and its changes of the reference's.
  package var ownBytes = 0
  /// Bytes of the reference that it uses.
  package var sharedBytes = 0
  /// Weights of the whole model.
  package var weights = 0

  /// Bits that the model adds to the file, for each of its weights.
  package var ownBitsPerWeight: Double { weights == 0 ? 0 : Double(ownBytes) * 8 / Double(weights) }
  /// Bits read by running this model alone, for each of its weights.
  package var bitsPerWeight: Double { weights == 0 ? 0 : Double(ownBytes + sharedBytes) * 8 / Double(weights) }
}

extension BundleManifest {
  /// The bytes that model number `model` stores and those it takes from the reference, which itself shares nothing.
  package func footprint(model: Int) -> ModelFootprint {
    var footprint = ModelFootprint()
    for spec in configuration.tensors {
      let stored = storedTensors(spec.name, model: model)
      footprint.weights += spec.rows * spec.columns
      for tensor in stored {
        if tensor.model == model {
          footprint.ownBytes += tensor.byteCount
        } else {
          footprint.sharedBytes += tensor.byteCount
        }
      }
      switch change(spec.name, model: model) {
      case .own: footprint.ownTensors += 1
      case .delta, .lowRank: footprint.changedTensors += 1
      case .shared where model == 0: footprint.ownTensors += 1
      case .shared: footprint.sharedTensors += 1
      }
    }
    return footprint
  }

  /// How many models use a stored tensor.
  package func users(of tensor: BundleTensor) -> Int {
    guard tensor.model == 0 else { return 1 }
    return models.indices.filter { change(tensor.spec.name, model: $0).usesReference }.count
  }

  /// Bytes of the weights of all models.
  package var weightBytes: Int { tensors.reduce(0) { $0 + $1.byteCount } }

  /// Bits for each weight that is stored: 8.5 for int8 models, however many share what is stored.
  package var bitsPerWeight: Double {
    let weights = tensors.reduce(0) { $0 + $1.weights }
    return weights == 0 ? 0 : Double(weightBytes) * 8 / Double(weights)
  }
}
