import DeRaBundle
import DeRaModelSpec

extension BundleManifest {
  /// Bytes of weights that decoding one token reads: every matrix and vector of the models that λ needs, shared ones
  /// once, and what is added to them. Of an embedding table that is not also the output matrix, one row a model.
  package func weightBytesPerToken(_ realignment: Realignment) -> Int {
    let weights = realignment.weights
    let needed = models.indices.filter { weights.indices.contains($0) && weights[$0] != 0 }
    var total = 0
    for spec in configuration.tensors {
      let stored = needed.flatMap { storedTensors(spec.name, model: $0) }
      if spec.role == .embedding && !configuration.tiesEmbeddings {
        total += stored.reduce(0) { $0 + embeddingRowBytes($1) }
      } else {
        let distinct = Dictionary(stored.map { ($0.fileName, $0.byteCount) }) { first, _ in first }
        total += distinct.values.reduce(0, +)
      }
    }
    return total
  }

  /// A row of the table, of what is added to it, or of the left factor; all of the right one, which a row is multiplied by.
  private func embeddingRowBytes(_ tensor: BundleTensor) -> Int {
    if case .loraA = tensor.part { tensor.byteCount } else { tensor.byteCount / max(tensor.rows, 1) }
  }
}
