import DeRaTensorCore

/// Codes a tile column after column, every weight corrected for the errors of those before it: see `ErrorFeedback`.
struct FeedbackCoder {
  /// The values tried for a block's largest weight, in units of the outermost code. Above 1 it is cut off, which pays
  /// where its input is small. More of them, up to 1.5, gained nothing on SmolLM2.
  static let extremeFactors: [Float] = [1, 0.94, 1.06, 0.88, 1.13]

  /// A block while its scale is chosen: 32 columns each.
  private struct Scratch {
    /// The weights, corrected for the errors of earlier blocks, and for all errors before them.
    let corrected: UnsafeMutablePointer<TileColumn>
    let wanted: UnsafeMutablePointer<TileColumn>
  }

  let feedback: ErrorFeedback

  /// The results of coding a tile.
  struct Sums {
    var coding = CodingSums()
    /// Σ D (E + feedback)²
    var loss = TileColumn(repeating: 0)
  }

  /// Packs a tile given as its columns.
  /// - Parameters:
  ///   - tile: whole blocks of columns, those past the end of the matrix zero.
  ///   - target: the tile's bytes.
  func pack(
    _ tile: UnsafePointer<TileColumn>, _ layout: PackedLayout, _ table: CodeTable?, into target: UnsafeMutableRawPointer
  ) -> Sums {
    if let table, let form = layout.codec.form {
      return pack(tile, layout, TableGrid(form: form, table: table), into: target)
    }
    guard let grid = LinearGrid(layout.codec) else { preconditionFailure("\(layout.codec) has no block scales") }
    return pack(tile, layout, grid, into: target)
  }

  private func pack(
    _ tile: UnsafePointer<TileColumn>, _ layout: PackedLayout, _ grid: some CodeGrid,
    into target: UnsafeMutableRawPointer
  ) -> Sums {
    let size = PackedLayout.blockColumns
    let extremes = grid.feedbackExtremes
    var sums = Sums()
    withUnsafeTemporaryAllocation(of: TileColumn.self, capacity: (layout.blocks + 2) * size) { memory in
      guard let errors = memory.baseAddress else { return }
      let scratch = Scratch(
        corrected: errors + layout.blocks * size, wanted: errors + (layout.blocks + 1) * size)
      for index in 0..<layout.blocks {
        let first = index * size
        let block = Block(
          count: min(size, layout.columns - first), weights: tile + first, errors: errors + first,
          factors: feedback.blocks[index].factors + (first - feedback.blocks[index].first) * size,
          importance: Array(feedback.importance[first..<first + size]))
        correct(index, tile, errors, into: scratch.corrected)
        let scale = bestScale(block, extremes, grid, scratch)
        sums.loss += code(block, scale: scale, grid, scratch).loss
        for column in 0..<block.count {
          sums.coding.add(block.weights[column] - block.errors[column], for: block.weights[column])
        }
        for column in block.count..<size { scratch.wanted[column] = TileColumn(repeating: 0) }
        _ = BlockCoder.code(
          scratch.wanted, columns: size, grid, scale: scale, into: target + index * layout.codec.blockBytes)
      }
    }
    return sums
  }

  /// A block's part of what is coded.
  private struct Block {
    /// Columns of the matrix.
    let count: Int
    let weights: UnsafePointer<TileColumn>
    /// W − Ŵ, written by `code`.
    let errors: UnsafeMutablePointer<TileColumn>
    /// U within the block, `[32, 32]`.
    let factors: UnsafePointer<Float>
    let importance: [Float]
  }

  /// corrected_c = W_c + Σ E_j U_jc over the columns j before the block; two c at a time stay in registers.
  private func correct(
    _ index: Int, _ tile: UnsafePointer<TileColumn>, _ errors: UnsafePointer<TileColumn>,
    into corrected: UnsafeMutablePointer<TileColumn>
  ) {
    let size = PackedLayout.blockColumns
    let first = feedback.blocks[index].first
    let factors = feedback.blocks[index].factors
    for column in stride(from: 0, to: size, by: 2) {
      var left = tile[index * size + column]
      var right = tile[index * size + column + 1]
      for row in 0..<index * size - first {
        let error = errors[first + row]
        left += error * factors[row * size + column]
        right += error * factors[row * size + column + 1]
      }
      corrected[column] = left
      corrected[column + 1] = right
    }
  }

  /// The scale with the least loss for each row. Candidates are the scales of `extremes`, and the least-squares scale of the
  /// codes that the best of them gives.
  private func bestScale(
    _ block: Block, _ extremes: [Float], _ grid: some CodeGrid, _ scratch: Scratch
  ) -> TileColumn {
    let extreme = extremeWeight(block, scratch)
    var best = TileColumn(repeating: 0)
    var bestLoss = TileColumn(repeating: .infinity)
    var bestFit = best
    for candidate in extremes {
      let scale = BlockCoder.half(extreme / candidate)
      let (loss, fit) = code(block, scale: scale, grid, scratch)
      let isBetter = loss .< bestLoss
      best.replace(with: scale, where: isBetter)
      bestFit.replace(with: fit, where: isBetter)
      bestLoss.replace(with: loss, where: isBetter)
    }
    let fit = BlockCoder.half(bestFit)
    best.replace(with: fit, where: code(block, scale: fit, grid, scratch).loss .< bestLoss)
    return best
  }

  /// The corrected weight of largest magnitude for each row: its weights compensate all errors before the block and none
  /// within it.
  private func extremeWeight(_ block: Block, _ scratch: Scratch) -> TileColumn {
    var extreme = TileColumn(repeating: 0)
    for column in 0..<block.count {
      let weight = wanted(column, block, scratch)
      block.errors[column] = block.weights[column] - weight
      extreme.replace(with: weight, where: (weight * weight) .> (extreme * extreme))
    }
    return extreme
  }

  /// A column corrected for the errors of those before it, in the block too.
  @inline(__always)
  private func wanted(_ column: Int, _ block: Block, _ scratch: Scratch) -> TileColumn {
    var wanted = scratch.corrected[column]
    for row in 0..<column {
      wanted += block.errors[row] * block.factors[row * PackedLayout.blockColumns + column]
    }
    return wanted
  }

  /// Rounds a block under a scale; leaves its errors and what was rounded.
  /// - Returns: the loss, and the scale that suits the codes best: Σ D·wanted·q / Σ D·q².
  @inline(__always)
  private func code(
    _ block: Block, scale: TileColumn, _ grid: some CodeGrid, _ scratch: Scratch
  ) -> (loss: TileColumn, fit: TileColumn) {
    let inverse = BlockCoder.reciprocal(scale)
    var loss = TileColumn(repeating: 0)
    var correlation = TileColumn(repeating: 0)
    var energy = TileColumn(repeating: 0)
    for column in 0..<block.count {
      let wanted = wanted(column, block, scratch)
      let code = grid.nearest(wanted * inverse)
      let value = code * scale
      let importance = block.importance[column]
      loss += (wanted - value) * (wanted - value) * importance
      correlation += wanted * code * importance
      energy += code * code * importance
      scratch.wanted[column] = wanted
      block.errors[column] = block.weights[column] - value
    }
    return (loss, correlation * BlockCoder.reciprocal(energy))
  }
}
