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
  package func read(row: Int, into values: inout [Float]) throws(CheckpointError) {
    var failure: CheckpointError?
    values.withUnsafeMutableBufferPointer { buffer in
      do throws(CheckpointError) { try read(rows: row..<row + 1, into: buffer) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}

/// Whether two tensors hold the same numbers; reads both.
func haveEqualRows(_ left: any TensorSource, _ right: any TensorSource) throws(CheckpointError) -> Bool {
  guard left.rows == right.rows, left.columns == right.columns else { return false }
  // A tensor without numbers may claim any number of rows, or rows of any length.
  guard left.rows > 0, left.columns > 0 else { return true }
  defer {
    left.release()
    right.release()
  }
  var one = [Float](repeating: 0, count: left.columns)
  var other = one
  for row in 0..<left.rows {
    try left.read(row: row, into: &one)
    try right.read(row: row, into: &other)
    if one != other { return false }
  }
  return true
}
