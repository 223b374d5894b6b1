import DeRaCheckpoints

/// The difference of an aligned tensor from the reference's, from the original weights of both.
///
/// Where either has no number, neither has the difference; those are replaced and counted when it is stored.
struct DifferenceTensor: TensorSource {
  let aligned: any TensorSource
  let reference: any TensorSource

  var rows: Int { reference.rows }
  var columns: Int { reference.columns }

  func read(rows range: Range<Int>, into output: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
    try aligned.read(rows: range, into: output)
    let count = range.count * columns
    var failure: CheckpointError?
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { values in
      do throws(CheckpointError) {
        try reference.read(rows: range, into: values)
        for index in 0..<count { output[index] -= values[index] }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  func release() {
    aligned.release()
    reference.release()
  }
}

/// A matrix that was computed.
struct ComputedTensor: TensorSource {
  let rows: Int
  let columns: Int
  /// `[rows, columns]`
  let values: [Float]

  func read(rows range: Range<Int>, into output: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
    guard range.lowerBound >= 0, range.upperBound <= rows, output.count >= range.count * columns else {
      throw CheckpointError(path: "", problem: "rows \(range) of a computed matrix of \(rows)")
    }
    let part = values[range.lowerBound * columns..<range.upperBound * columns]
    _ = output.update(fromContentsOf: part)
  }

  func release() {}
}
