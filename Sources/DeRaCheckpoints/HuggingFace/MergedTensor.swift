/// A matrix with a low-rank update merged in, computed row by row in f32, and for DoRA (arXiv 2402.09353) every row then
/// brought to its own length: magnitude · row / ‖row‖.
struct MergedTensor: TensorSource {
  let base: any TensorSource
  let update: LowRankUpdate
  /// `[rows]`
  var magnitudes: [Float]?

  var rows: Int { base.rows }
  var columns: Int { base.columns }
  var quantisation: Quantisation? { base.quantisation }

  func read(rows range: Range<Int>, into output: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
    try base.read(rows: range, into: output)
    guard let start = output.baseAddress else { return }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { change in
      for (index, row) in range.enumerated() {
        let values = UnsafeMutableBufferPointer(start: start + index * columns, count: columns)
        add(row: row, to: values, change: change)
        if let magnitudes { Self.stretch(values, to: magnitudes[row]) }
      }
    }
  }

  func release() { base.release() }

  private func add(row: Int, to values: UnsafeMutableBufferPointer<Float>, change: UnsafeMutableBufferPointer<Float>) {
    change.initialize(repeating: 0)
    update.right.withUnsafeBufferPointer { right in
      for component in 0..<update.rank {
        let weight = update.left[row * update.rank + component]
        for column in 0..<columns { change[column] += weight * right[component * columns + column] }
      }
    }
    for column in 0..<columns { values[column] += update.scale * change[column] }
  }

  private static func stretch(_ values: UnsafeMutableBufferPointer<Float>, to magnitude: Float) {
    let squares = values.reduce(0.0) { $0 + Double($1) * Double($1) }
    let factor = magnitude / Float(squares.squareRoot())
    for index in values.indices { values[index] *= factor }
  }
}
