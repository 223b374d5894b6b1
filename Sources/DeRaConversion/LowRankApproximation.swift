import DeRaCheckpoints
import DeRaQuantization

/// The factors of given rank whose product is nearest to a matrix that is read in bands of rows.
///
/// Randomised subspace iteration (Halko, Martinsson and Tropp, SIAM Review 53, 2011, algorithm 4.4) on the side of the
/// columns: from a random basis Ω, Q ← orthonormal basis of Dᵀ(D·Q), twice, then the singular vectors of D·Q. A pass reads D
/// once. Memory: a few panels `[rows, rank + 8]` and `[columns, rank + 8]`.
struct LowRankApproximation {
  /// Columns of the basis beyond the rank, and rounds of the iteration: enough where singular values fall slowly.
  private static let oversampling = 8
  private static let rounds = 2

  let factors: LowRankFactors
  /// Σ D².
  let squaredNorm: Double
  /// Weights of D that were NaN or infinite and taken as `NonFinite` says.
  let nonFinite: Int

  /// - Parameters:
  ///   - bands: the matrix D; at least `rank` rows and columns.
  ///   - width: tasks that work at the same time; the result does not depend on it.
  /// - Throws: `CheckpointError` when D cannot be read, and `CancellationError`.
  init(of bands: TensorBands, rank: Int, width: Int) async throws {
    let (rows, columns) = (bands.tensor.rows, bands.tensor.columns)
    let size = min(rank + Self.oversampling, rows, columns)
    var basis = Panel(columns, size, seed: 1)
    for _ in 0..<Self.rounds {
      basis = try await Self.pass(bands, basis, width: width).backward
      basis.orthonormalise()
    }
    let last = try await Self.pass(bands, basis, width: width)
    squaredNorm = last.squaredNorm
    nonFinite = last.nonFinite
    factors = Self.factors(forward: last.forward, basis: basis, rank: rank)
  }

  /// The shares of Σ D² that each of the largest components of one part of a matrix D has of another part.
  ///
  /// - Parameters:
  ///   - fitted: rows `[n, columns]` whose largest components are sought.
  ///   - tried: other rows of the same matrix, not none.
  ///   - rank: how many components.
  /// - Returns: `[rank]` or fewer, largest components of `fitted` first.
  static func componentEnergies(fitted: [Float], tried: [Float], columns: Int, rank: Int) -> [Double] {
    let size = min(rank + Self.oversampling, columns, fitted.count / columns)
    var basis = Panel(columns, size, seed: 1)
    for _ in 0..<Self.rounds {
      basis = pass(fitted, basis).backward
      basis.orthonormalise()
    }
    let vectors = SymmetricEigen(pass(fitted, basis).forward.gram()).vectors
    let test = pass(tried, basis)
    guard test.squaredNorm > 0 else { return [] }
    let count = min(rank, size)
    let projected = test.forward.times(vectors, count: count)
    var energies = [Double](repeating: 0, count: count)
    for (index, value) in projected.enumerated() { energies[index % count] += Double(value) * Double(value) }
    return energies.map { $0 / test.squaredNorm }
  }

  /// The results of one reading of D for a basis Q.
  private struct Pass: Sendable {
    /// D·Q, `[rows, size]`.
    var forward: Panel
    /// Dᵀ·D·Q, `[columns, size]`.
    var backward: Panel
    var squaredNorm = 0.0
    var nonFinite = 0
  }

  private static func pass(_ bands: TensorBands, _ basis: Panel, width: Int) async throws -> Pass {
    var sum = Pass(forward: Panel(rows: 0, size: basis.size), backward: Panel(rows: basis.rows, size: basis.size))
    var index = 0
    try await inOrder(count: bands.count, width: width) { band in
      let (values, nonFinite) = try bands.weights(band)
      var part = Self.pass(values, basis)
      part.nonFinite = nonFinite
      return part
    } consume: { (part: Pass) in
      sum.forward.append(part.forward)
      sum.backward.add(part.backward)
      sum.squaredNorm += part.squaredNorm
      sum.nonFinite += part.nonFinite
      if bands.isReleasePoint(index) { bands.source.release() }
      index += 1
    }
    return sum
  }

  /// The part of a band, `values` being `[rows of the band, columns]`.
  private static func pass(_ values: [Float], _ basis: Panel) -> Pass {
    let columns = basis.rows
    let rows = values.count / columns
    var part = Pass(forward: Panel(rows: rows, size: basis.size), backward: Panel(rows: columns, size: basis.size))
    for row in 0..<rows {
      var squares = Float(0)
      for group in 0..<basis.groups {
        var sum = SIMD16<Float>(repeating: 0)
        for column in 0..<columns { sum += basis.lanes[column * basis.groups + group] * values[row * columns + column] }
        part.forward.lanes[row * basis.groups + group] = sum
        for column in 0..<columns {
          part.backward.lanes[column * basis.groups + group] += sum * values[row * columns + column]
        }
      }
      for column in 0..<columns { squares += values[row * columns + column] * values[row * columns + column] }
      part.squaredNorm += Double(squares)
    }
    return part
  }

  /// The largest components of D ≈ (D·Q)·Qᵀ: with (D·Q)ᵀ(D·Q) = V·S²·Vᵀ they are (D·Q·V)·(Q·V)ᵀ.
  private static func factors(forward: Panel, basis: Panel, rank: Int) -> LowRankFactors {
    let vectors = SymmetricEigen(forward.gram()).vectors
    let (left, right) = (forward.times(vectors, count: rank), basis.times(vectors, count: rank))
    var transposed = [Float](repeating: 0, count: right.count)
    for row in 0..<basis.rows {
      for component in 0..<rank { transposed[component * basis.rows + row] = right[row * rank + component] }
    }
    return LowRankFactors(rank: rank, left: left, right: transposed)
  }
}
