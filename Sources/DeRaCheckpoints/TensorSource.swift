/// One tensor of a checkpoint, read row by row as f32 in our convention (Hugging Face's row order, RMS norm factors as
/// they are multiplied). The file behind it stays mapped as long as the source lives.
package protocol TensorSource: Sendable {
  /// Output width of a matrix, length of a vector.
  var rows: Int { get }
  /// Input width of a matrix, 1 for a vector.
  var columns: Int { get }

  /// The rounding of the file's format; nil for floating point.
  var quantisation: Quantisation? { get }

  /// Writes `rows.count · columns` numbers, row after row, to the start of `output`.
  /// - Throws: `CheckpointError` when `rows` is outside the tensor, `output` is too small, or the data are damaged.
  func read(rows: Range<Int>, into output: UnsafeMutableBufferPointer<Float>) throws(CheckpointError)

  /// Gives back the memory that reading has brought in; later reads work and bring it in again.
  func release()
}

extension TensorSource {
  package var quantisation: Quantisation? { nil }

  /// The whole tensor, `[rows · columns]` row-major.
  /// - Throws: as `read(rows:into:)`.
  package func readAll() throws(CheckpointError) -> [Float] {
    var failure: CheckpointError?
    let values = [Float](unsafeUninitializedCapacity: rows * columns) { buffer, count in
      do throws(CheckpointError) {
        try read(rows: 0..<rows, into: buffer)
        count = rows * columns
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return values
  }

  /// The first lines of every `read`: that the rows exist and the output has room for them.
  /// - Throws: `CheckpointError` naming `tensor` in `path`.
  package func checkRead(
    _ range: Range<Int>, _ output: UnsafeMutableBufferPointer<Float>, path: String, tensor: String
  ) throws(CheckpointError) {
    let (needed, overflow) = range.count.multipliedReportingOverflow(by: columns)
    guard range.lowerBound >= 0, range.upperBound <= rows, !overflow, output.count >= needed else {
      throw CheckpointError(
        path: path, subject: tensor, problem: "rows \(range) into a buffer of \(output.count) numbers",
        expected: "rows within 0..<\(rows), \(columns) numbers each")
    }
  }
}
