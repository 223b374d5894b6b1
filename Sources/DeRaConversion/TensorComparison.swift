import DeRaCheckpoints

/// Whether an aligned model can use the reference's stored tensor.
enum TensorComparison {
  /// When two tensors are the same.
  enum Criterion {
    /// They give the same bytes when stored as the reference's is.
    case storedAlike
    /// They have the same weights: what the stored bytes hide, a difference keeps.
    case equal
  }

  /// Whether `left`, the reference's, and `right` are the same. Weights that are equal need no packing, and the first band
  /// that differs settles the matter, so a fully fine-tuned tensor costs one band.
  ///
  /// - Parameter progress: called after each band with the bytes it would take in the bundle.
  /// - Returns: also how far apart the bands are that were read.
  /// - Throws: `CheckpointError`, and what `progress` throws.
  static func compare(
    _ left: TensorBands, _ right: TensorBands, _ criterion: Criterion, progress: (Int) throws -> Void
  ) throws -> (areAlike: Bool, difference: TensorDifference) {
    defer {
      left.source.release()
      right.source.release()
    }
    var difference = TensorDifference()
    for band in 0..<left.count {
      let one = try left.weights(band).values
      let other = try right.weights(band).values
      difference.add(reference: one, aligned: other)
      if !haveSameBits(one, other) {
        let areAlike =
          criterion == .storedAlike && left.pack(one, band: band).bytes == right.pack(other, band: band).bytes
        if !areAlike { return (false, difference) }
      }
      if left.isReleasePoint(band) {
        left.source.release()
        right.source.release()
      }
      try progress(left.tensor.byteCount / left.count)
    }
    return (true, difference)
  }

  private static func haveSameBits(_ left: [Float], _ right: [Float]) -> Bool {
    left.withUnsafeBytes { left in right.withUnsafeBytes { left.elementsEqual($0) } }
  }
}
