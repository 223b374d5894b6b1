/// A tensor with a constant added to every element.
struct OffsetTensor: TensorSource {
  let base: any TensorSource
  let offset: Float

  var rows: Int { base.rows }
  var columns: Int { base.columns }

  func read(rows range: Range<Int>, into output: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
    try base.read(rows: range, into: output)
    for index in 0..<range.count * columns { output[index] += offset }
  }

  func release() { base.release() }
}

extension TensorSource {
  /// One row into an array of `columns` numbers.
  func read(row: Int, into values: inout [Float]) throws(CheckpointError) {
    var failure: CheckpointError?
    values.withUnsafeMutableBufferPointer { buffer in
      do throws(CheckpointError) { try read(rows: row..<row + 1, into: buffer) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
