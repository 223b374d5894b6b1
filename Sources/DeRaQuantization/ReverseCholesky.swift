import DeRaTensorCore

/// A = R Rᵀ with R upper triangular, of a positive definite matrix, in place, in blocks of 32 columns from the last to the
/// first.
struct ReverseCholesky {
  private typealias Lanes = SIMD4<Double>

  /// A multiple of 32.
  let width: Int
  /// `[width, width]`, aligned to 32 bytes; only the upper triangle is read, and below it nothing of use is left.
  let values: UnsafeMutablePointer<Double>

  private static var block: Int { PackedLayout.blockColumns }

  /// - Returns: false where the matrix is not positive definite; `values` are then useless.
  func decompose() -> Bool {
    for start in stride(from: width - Self.block, through: 0, by: -Self.block) {
      let end = start + Self.block
      for row in 0..<end { subtractProducts(row: row, columns: start..<end) }
      for column in (start..<end).reversed() {
        let pivot = values[column * width + column] - dot(column, column, column + 1..<end)
        guard pivot > 0, pivot.isFinite else { return false }
        let root = pivot.squareRoot()
        values[column * width + column] = root
        for row in 0..<column {
          let value = values[row * width + column] - dot(row, column, column + 1..<end)
          values[row * width + column] = value / root
        }
      }
    }
    return true
  }

  /// values[row, c] −= Σ values[row, m] · values[c, m] over the columns m after the block; four c at a time, so that the
  /// row is read an eighth as often.
  private func subtractProducts(row: Int, columns: Range<Int>) {
    let count = (width - columns.upperBound) / Lanes.scalarCount
    let left = lanes(row, columns.upperBound)
    for first in stride(from: columns.lowerBound, to: columns.upperBound, by: 4) {
      let a = lanes(first, columns.upperBound)
      let b = lanes(first + 1, columns.upperBound)
      let c = lanes(first + 2, columns.upperBound)
      let d = lanes(first + 3, columns.upperBound)
      var (sumA, sumB, sumC, sumD) = (Lanes(), Lanes(), Lanes(), Lanes())
      for index in 0..<count {
        let value = left[index]
        sumA += value * a[index]
        sumB += value * b[index]
        sumC += value * c[index]
        sumD += value * d[index]
      }
      let target = values + row * width + first
      target[0] -= sumA.sum()
      target[1] -= sumB.sum()
      target[2] -= sumC.sum()
      target[3] -= sumD.sum()
    }
  }

  private func lanes(_ row: Int, _ column: Int) -> UnsafePointer<Lanes> {
    UnsafeRawPointer(values + row * width + column).assumingMemoryBound(to: Lanes.self)
  }

  /// Σ values[left, m] · values[right, m]
  private func dot(_ left: Int, _ right: Int, _ columns: Range<Int>) -> Double {
    var sum = 0.0
    for column in columns { sum += values[left * width + column] * values[right * width + column] }
    return sum
  }
}
