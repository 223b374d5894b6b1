import DeRaQuantization
import DeRaTensorCore

/// Some tiles of a matrix, on which storing it is tried.
struct WeightSample: Sendable {
  /// Tiles that are taken of a matrix, evenly spread: 512 rows.
  static let tileLimit = 32

  let columns: Int
  /// `[rows, columns]`
  private(set) var values: [Float] = []

  init(columns: Int) { self.columns = columns }

  init(columns: Int, values: [Float]) {
    self.columns = columns
    self.values = values
  }

  var rows: Int { values.count / columns }

  /// Takes what belongs to the sample of some rows of a matrix.
  /// - Parameters:
  ///   - first: the first row's number, a multiple of a tile's rows.
  ///   - step: every how manieth tile is taken.
  mutating func add(_ rows: [Float], first: Int, step: Int) {
    let tileSize = PackedLayout.tileRows * columns
    for (index, start) in stride(from: 0, to: rows.count, by: tileSize).enumerated()
    where (first / PackedLayout.tileRows + index) % step == 0 {
      values += rows[start..<min(rows.count, start + tileSize)]
    }
  }

  /// Σ w²
  var energy: Double { values.reduce(0.0) { $0 + Double($1) * Double($1) } }

  /// Σ (stored − w)² after packing as the packer does, with the better table where there are several.
  /// - Throws: `TensorError` for a shape that cannot be packed.
  func squaredError(_ codec: PackedCodec) throws(TensorError) -> Double {
    let layout = try PackedLayout(codec: codec, rows: rows, columns: columns)
    var bytes = [UInt8](repeating: 0, count: layout.byteCount)
    let errors = codec.tables.map { table in
      bytes.withUnsafeMutableBytes { target in
        values.withUnsafeBufferPointer { weights in
          Packer(layout: layout, table: table).pack(tiles: 0..<layout.tiles, weights: weights, into: target)
        }
      }.squaredError
    }
    return errors.min() ?? 0
  }

  /// The parts of Σ w² that the best factors of each rank keep.
  ///
  /// The factors are fitted to one half of the tiles and tried on the other: on rows that they were fitted to they would
  /// look better than they are on the whole matrix.
  func keptByRank(_ ranks: [Int]) -> [Double] {
    let tileSize = PackedLayout.tileRows * columns
    var halves: [[Float]] = [[], []]
    for (index, start) in stride(from: 0, to: values.count, by: tileSize).enumerated() {
      halves[index % 2] += values[start..<min(values.count, start + tileSize)]
    }
    if halves[1].isEmpty { halves[1] = halves[0] }
    let components = LowRankApproximation.componentEnergies(
      fitted: halves[0], tried: halves[1], columns: columns, rank: ranks.max() ?? 1)
    return ranks.map { min(1, components.prefix($0).reduce(0, +)) }
  }
}
