/// A matrix of 8-bit floats times a scale for each block of it: the whole matrix, a row, or rows × columns.
struct ScaledTensor: TensorSource {
  let base: SafetensorsTensor
  /// `[⌈rows / blockRows⌉, ⌈columns / blockColumns⌉]`
  private let scales: [Float]
  private let blockRows: Int
  private let blockColumns: Int

  var rows: Int { base.rows }
  var columns: Int { base.columns }

  /// - Parameter blockSize: rows and columns of a block by the configuration; nil to take them from the shapes.
  /// - Throws: `CheckpointError` when the scales do not fit the matrix.
  init(_ base: SafetensorsTensor, scales: SafetensorsTensor, blockSize: [Int]?) throws(CheckpointError) {
    let (rows, columns) = (base.rows, base.columns)
    guard let height = Self.size(of: rows, parts: scales.rows, expected: blockSize?[0]),
      let width = Self.size(of: columns, parts: scales.columns, expected: blockSize?[1])
    else {
      throw CheckpointError(
        path: scales.file.path, subject: scales.entry.name, problem: "scales of shape \(scales.entry.shape)",
        expected: "one for all, one a row, or one a block of the matrix \(base.entry.shape)")
    }
    self.base = base
    self.scales = try scales.readAll()
    (blockRows, blockColumns) = (height, width)
  }

  /// Length of the blocks that cut `length` into `parts`; nil when none does.
  private static func size(of length: Int, parts: Int, expected: Int?) -> Int? {
    guard length > 0, (1...length).contains(parts) else { return nil }
    if parts == 1 { return length }
    if parts == length { return 1 }
    // 128 is the size that files without a configuration have.
    return [expected ?? 128, (length + parts - 1) / parts].first { ($0 - 1 + length) / $0 == parts }
  }

  func read(rows range: Range<Int>, into output: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
    try base.read(rows: range, into: output)
    let across = (columns + blockColumns - 1) / blockColumns
    for (index, row) in range.enumerated() {
      let first = row / blockRows * across
      for column in 0..<columns { output[index * columns + column] *= scales[first + column / blockColumns] }
    }
  }

  func release() { base.release() }
}
