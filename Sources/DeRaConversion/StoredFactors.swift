import DeRaBundle
import DeRaCheckpoints
import DeRaQuantization

/// The factors of a low-rank change as they will be stored.
struct StoredFactors {
  private let exact: LowRankFactors
  /// a, then b.
  private let bands: [TensorBands]

  /// - Parameter tensors: a, then b, of the factors' rank and shape.
  init(_ factors: LowRankFactors, tensors: [BundleTensor]) {
    exact = factors.balanced()
    let (a, b) = (exact.right, exact.left)
    bands = zip(tensors, [a, b]).map { tensor, values in
      TensorBands(tensor: tensor, source: ComputedTensor(rows: tensor.rows, columns: tensor.columns, values: values))
    }
  }

  /// - Parameter squaredDifference: Σ D² of a difference that the factors only approximate; nil when they are all of it.
  func content(squaredDifference: Double?) -> StoredTensors.Content {
    let stored = LowRankFactors(rank: exact.rank, left: bands[1].afterStoring(), right: bands[0].afterStoring())
    let kept = exact.product(exact)
    var statistics = ChangeStatistics()
    statistics.squaredDifference = squaredDifference ?? kept
    statistics.product = stored.product(exact)
    // What the factors leave of D is orthogonal to both of them, so its square is a difference of squares.
    let left = max(0, statistics.squaredDifference - kept)
    statistics.squaredError = max(0, left + kept - 2 * statistics.product + stored.product(stored))
    return StoredTensors.Content(sources: bands.map(\.source), statistics: statistics)
  }
}

extension TensorBands {
  /// The weights of a small matrix after packing and unpacking.
  fileprivate func afterStoring() -> [Float] {
    guard let layout = tensor.layout, let computed = source as? ComputedTensor else { return [] }
    var values = computed.values
    values.withUnsafeMutableBufferPointer { _ = NonFinite.replace(in: $0) }
    var bytes = [UInt8](repeating: 0, count: layout.byteCount)
    bytes.withUnsafeMutableBytes { target in
      values.withUnsafeBufferPointer { weights in
        _ = Packer(layout: layout).pack(tiles: 0..<layout.tiles, weights: weights, into: target)
      }
    }
    bytes.withUnsafeBytes { packed in
      values.withUnsafeMutableBufferPointer {
        Dequantizer(layout: layout).unpack(tiles: 0..<layout.tiles, packed: packed, into: $0)
      }
    }
    return values
  }
}
