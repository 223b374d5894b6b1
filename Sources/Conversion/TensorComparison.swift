import Checkpoints
import GGUF

/// Whether two models can share one stored tensor.
enum TensorComparison {
  /// Whether `left` and `right` give the same bytes when stored as `left.tensor` is. Weights that are equal need no
  /// packing, and the first band that differs settles the matter, so a fully fine-tuned tensor costs one band.
  ///
  /// - Parameter progress: called after each band with the bytes it would take in the bundle.
  /// - Throws: `CheckpointError`, and what `progress` throws.
  static func areStoredAlike(
    _ left: TensorBands, _ right: TensorBands, progress: (Int) throws -> Void
  ) throws -> Bool {
    defer {
      left.source.release()
      right.source.release()
    }
    for band in 0..<left.count {
      let one = try left.weights(band).values
      let other = try right.weights(band).values
      if !haveSameBits(one, other), left.pack(one, band: band).bytes != right.pack(other, band: band).bytes {
        return false
      }
      if left.isReleasePoint(band) {
        left.source.release()
        right.source.release()
      }
      try progress(left.tensor.byteCount / left.count)
    }
    return true
  }

  private static func haveSameBits(_ left: [Float], _ right: [Float]) -> Bool {
    left.withUnsafeBytes { left in right.withUnsafeBytes { left.elementsEqual($0) } }
  }
}
