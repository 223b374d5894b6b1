import Kernels

/// The products of one parallel region, collected without allocating.
package struct MatmulTasks {
  private let storage: UnsafeMutableBufferPointer<MatmulTask>
  package private(set) var count = 0

  package init(_ storage: UnsafeMutableBufferPointer<MatmulTask>) { self.storage = storage }

  package var all: UnsafeBufferPointer<MatmulTask> { UnsafeBufferPointer(rebasing: storage[0..<count]) }

  package mutating func add(_ matrix: PackedMatrix, columns: Range<Int>, output: Panel) {
    if count > 0 {
      let last = storage[count - 1]
      if last.matrix.bytes == matrix.bytes, last.columns.upperBound == columns.lowerBound,
        last.output.values == output.values
      {
        storage[count - 1].columns = last.columns.lowerBound..<columns.upperBound
        return
      }
    }
    storage.initializeElement(at: count, to: MatmulTask(matrix: matrix, columns: columns, output: output))
    count += 1
  }
}
