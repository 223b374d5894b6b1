import DeRaCheckpoints
import DeRaModelSpec

/// Embedding tables and output matrices that are one table, rounded by different quantisers: GGUF files of a tied model may
/// hold it twice, and the models of a pair may come through two formats. The finer one then serves for both, row by row.
enum EqualTables {
  /// Replaces the coarser of every such two tables, and says so in the model's remarks.
  /// - Throws: `CheckpointError`, and what `progress` throws.
  static func join(_ models: inout [NamedCheckpoint], _ progress: @escaping ConversionProgressHandler) throws {
    for index in models.indices { try tie(&models[index], progress) }
    for index in models.indices.dropFirst() {
      for table in [ModelTensor.embedding, .output] { try share(table.name, &models, index, progress) }
    }
  }

  /// Ties a model whose output matrix is its embedding table.
  private static func tie(_ model: inout NamedCheckpoint, _ progress: @escaping ConversionProgressHandler) throws {
    let (embedding, output) = (ModelTensor.embedding.name, ModelTensor.output.name)
    guard !model.checkpoint.configuration.tiesEmbeddings,
      let pair = TablePair(model.checkpoint.tensors[embedding], model.checkpoint.tensors[output]),
      try pair.equalRows(embedding, progress)?.allSatisfy(\.self) ?? false
    else { return }
    model.checkpoint.tensors[embedding] = pair.fine
    model.checkpoint.tensors[output] = nil
    model.checkpoint.configuration.tiesEmbeddings = true
    model.checkpoint.remarks.append(
      CheckpointRemark(
        .guessed,
        "\(embedding) and \(output) hold one table in two precisions; "
          + "\(pair.isSecondFiner ? output : embedding), the finer one, is used for both"))
  }

  /// Gives the reference and an aligned model the finer rows of what is one table.
  private static func share(
    _ table: String, _ models: inout [NamedCheckpoint], _ index: Int, _ progress: @escaping ConversionProgressHandler
  ) throws {
    guard let pair = TablePair(models[0].checkpoint.tensors[table], models[index].checkpoint.tensors[table]),
      let rows = try pair.equalRows(table, progress), rows.contains(true)
    else { return }
    let (finer, coarser) = pair.isSecondFiner ? (index, 0) : (0, index)
    let areAll = rows.allSatisfy(\.self)
    models[coarser].checkpoint.tensors[table] =
      areAll ? pair.fine : ChosenRows(base: pair.coarse, other: pair.fine, takesOther: rows)
    models[coarser].checkpoint.remarks.append(
      CheckpointRemark(
        .guessed,
        "\(areAll ? "" : "\(rows.count { $0 }) rows of ")\(table) are those of \(models[finer].name) but for a "
          + "coarser rounding, and are taken from there"))
  }
}

/// Two tables of one shape in different formats, at least one of them quantised.
private struct TablePair {
  /// Root mean square of the difference of a row, in steps of the coarser format, up to which it is the same. Rounding to
  /// the nearest leaves 0.3 (Q4_K against Q6_K of a model with 151,936 rows: 0.25 to 0.28); rows of different weights
  /// differ by 1.2 steps of two bits and more of all other formats.
  private static let limit = 0.6
  /// The error of scales that are subnormal halves, in rows of nearly nothing.
  private static let floor = 0x1p-17
  /// Rows after which tables that differ are told.
  private static let sample = 64

  let fine: any TensorSource
  let coarse: any TensorSource
  let isSecondFiner: Bool
  private let rounding: Quantisation

  init?(_ one: (any TensorSource)?, _ other: (any TensorSource)?) {
    guard let one, let other, one.quantisation != other.quantisation, one.columns == other.columns,
      one.rows == other.rows, one.rows > 0
    else { return nil }
    isSecondFiner = (other.quantisation?.levels ?? .max) > (one.quantisation?.levels ?? .max)
    (fine, coarse) = isSecondFiner ? (other, one) : (one, other)
    guard let rounding = coarse.quantisation else { return nil }
    self.rounding = rounding
  }

  /// Which rows are the same but for rounding; nil when the first rows say that the tables are different ones.
  func equalRows(_ name: String, _ progress: @escaping ConversionProgressHandler) throws -> [Bool]? {
    defer {
      fine.release()
      coarse.release()
    }
    var meter = ProgressMeter(phase: .comparing, total: fine.rows, handler: progress)
    var (exact, rounded) = ([Float](repeating: 0, count: fine.columns), [Float](repeating: 0, count: fine.columns))
    var equal: [Bool] = []
    for row in 0..<fine.rows {
      try fine.read(row: row, into: &exact)
      try coarse.read(row: row, into: &rounded)
      equal.append(isSame(exact, rounded))
      guard equal.count % Self.sample == 0 || equal.count == fine.rows else { continue }
      if 2 * equal.count(where: \.self) <= equal.count { return nil }
      try meter.jump(to: equal.count, name)
    }
    return equal
  }

  private func isSame(_ exact: [Float], _ rounded: [Float]) -> Bool {
    var (difference, steps) = (0.0, 0.0)
    for start in stride(from: 0, to: exact.count, by: rounding.block) {
      let end = min(exact.count, start + rounding.block)
      var (least, greatest, square) = (Float.infinity, -Float.infinity, Float(0))
      for index in start..<end {
        let change = exact[index] - rounded[index]
        square += change * change
        least = min(least, rounded[index])
        greatest = max(greatest, rounded[index])
      }
      let step = Double(greatest - least) / Double(rounding.levels)
      difference += Double(square)
      steps += max(step * step, Self.floor * Self.floor) * Double(end - start)
    }
    return difference <= Self.limit * Self.limit * steps
  }
}

/// A table with some rows of another one.
private struct ChosenRows: TensorSource {
  let base: any TensorSource
  let other: any TensorSource
  /// `[rows]`
  let takesOther: [Bool]

  var rows: Int { base.rows }
  var columns: Int { base.columns }
  var quantisation: Quantisation? { base.quantisation }

  func read(rows range: Range<Int>, into output: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
    try base.read(rows: range, into: output)
    for (index, row) in range.enumerated() where takesOther[row] {
      let slot = UnsafeMutableBufferPointer(rebasing: output.dropFirst(index * columns).prefix(columns))
      try other.read(rows: row..<row + 1, into: slot)
    }
  }

  func release() {
    base.release()
    other.release()
  }
}
