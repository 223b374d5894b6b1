import DeRaTensorCore

/// A tall matrix `[rows, size]` of few columns, whose rows lie in vectors of 16 lanes, the last one filled with zeros.
struct Panel: Sendable {
  private(set) var rows: Int
  let size: Int
  /// `[rows, groups]`
  var lanes: [SIMD16<Float>]

  var groups: Int { (size - 1) / 16 + 1 }

  init(rows: Int, size: Int) {
    self.rows = rows
    self.size = size
    lanes = Array(repeating: SIMD16(repeating: 0), count: rows * ((size - 1) / 16 + 1))
  }

  /// Numbers in −1…1 that depend on the seed alone.
  init(_ rows: Int, _ size: Int, seed: UInt64) {
    self.init(rows: rows, size: size)
    var generator = SplitMix64(state: seed)
    for row in 0..<rows {
      for column in 0..<size {
        self[row, column] = Float(Int32(truncatingIfNeeded: generator.next() >> 32)) * 0x1p-31
      }
    }
  }

  subscript(row: Int, column: Int) -> Float {
    get { lanes[row * groups + column / 16][column % 16] }
    set { lanes[row * groups + column / 16][column % 16] = newValue }
  }

  mutating func append(_ other: Panel) {
    rows += other.rows
    lanes += other.lanes
  }

  mutating func add(_ other: Panel) {
    for index in lanes.indices { lanes[index] += other.lanes[index] }
  }

  /// Makes the columns orthonormal (modified Gram–Schmidt, each column twice); what depends on earlier ones becomes zero.
  mutating func orthonormalise() {
    var columns = (0..<size).map { column in (0..<rows).map { Double(self[$0, column]) } }
    for column in columns.indices {
      let before = Self.product(columns[column], columns[column])
      for _ in 0..<2 {
        for earlier in 0..<column {
          let share = Self.product(columns[earlier], columns[column])
          for row in 0..<rows { columns[column][row] -= share * columns[earlier][row] }
        }
      }
      let rest = Self.product(columns[column], columns[column])
      let factor = rest > before * 1e-20 ? 1 / rest.squareRoot() : 0
      for row in 0..<rows {
        columns[column][row] *= factor
        self[row, column] = Float(columns[column][row])
      }
    }
  }

  /// Products of the columns with each other, `[size, size]`.
  func gram() -> [[Double]] {
    var gram = [[Double]](repeating: [Double](repeating: 0, count: size), count: size)
    for row in 0..<rows {
      let values = (0..<size).map { Double(self[row, $0]) }
      for one in 0..<size {
        for two in 0..<size { gram[one][two] += values[one] * values[two] }
      }
    }
    return gram
  }

  /// The panel times the first `count` of some vectors, `[rows, count]`.
  func times(_ vectors: [[Double]], count: Int) -> [Float] {
    var result = [Float](repeating: 0, count: rows * count)
    for row in 0..<rows {
      for vector in 0..<min(count, vectors.count) {
        var sum = 0.0
        for column in 0..<size { sum += Double(self[row, column]) * vectors[vector][column] }
        result[row * count + vector] = Float(sum)
      }
    }
    return result
  }

  private static func product(_ left: [Double], _ right: [Double]) -> Double {
    var sum = 0.0
    for index in left.indices { sum += left[index] * right[index] }
    return sum
  }
}

/// Eigenvectors of a small symmetric matrix, by Jacobi's rotations (Golub and Van Loan, Matrix Computations, 8.5).
struct SymmetricEigen {
  private static let sweepLimit = 60

  /// Unit vectors, those of the largest eigenvalues first.
  let vectors: [[Double]]

  init(_ matrix: [[Double]]) {
    var matrix = matrix
    let size = matrix.count
    var vectors = (0..<size).map { one in (0..<size).map { one == $0 ? 1.0 : 0.0 } }
    let total = matrix.reduce(0.0) { $0 + $1.reduce(0.0) { $0 + $1 * $1 } }
    for _ in 0..<Self.sweepLimit {
      var rest = 0.0
      for one in 0..<size {
        for two in one + 1..<size { rest += matrix[one][two] * matrix[one][two] }
      }
      if rest <= total * 1e-28 { break }
      for one in 0..<size {
        for two in one + 1..<size where matrix[one][two] != 0 { Self.rotate(&matrix, &vectors, one, two) }
      }
    }
    let order = (0..<size).sorted { (matrix[$0][$0], $1) > (matrix[$1][$1], $0) }
    self.vectors = order.map { vectors[$0] }
  }

  /// Makes element (one, two) zero.
  private static func rotate(_ matrix: inout [[Double]], _ vectors: inout [[Double]], _ one: Int, _ two: Int) {
    let theta = (matrix[two][two] - matrix[one][one]) / (2 * matrix[one][two])
    let tangent = (theta < 0 ? -1 : 1) / (theta.magnitude + (theta * theta + 1).squareRoot())
    let cosine = 1 / (tangent * tangent + 1).squareRoot()
    let sine = tangent * cosine
    func turn(_ left: Double, _ right: Double) -> (Double, Double) {
      (cosine * left - sine * right, sine * left + cosine * right)
    }
    for index in matrix.indices {
      (matrix[index][one], matrix[index][two]) = turn(matrix[index][one], matrix[index][two])
    }
    for index in matrix.indices {
      (matrix[one][index], matrix[two][index]) = turn(matrix[one][index], matrix[two][index])
      (vectors[one][index], vectors[two][index]) = turn(vectors[one][index], vectors[two][index])
    }
  }
}
