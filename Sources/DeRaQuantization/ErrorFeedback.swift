import DeRaTensorCore

/// Error feedback (GPTQ): each weight of a row compensates the rounding of the weights before it.
///
/// With the Gram matrix G of a matrix's inputs decomposed as (I + U) D (I + U)ᵀ, U strictly upper triangular and D diagonal,
/// the errors E = W − Ŵ of a row cost Σ_k D_k (E_k + Σ_{j<k} E_j U_jk)². So column after column W_k + Σ_{j<k} E_j U_jk is
/// rounded instead of W_k, and D_k is what the rounding costs. These are the roundings of GPTQ (Frantar et al.,
/// arXiv 2210.17323) in the form of LDLQ (Chee et al., arXiv 2307.13304, theorem 6), which needs no inverse of G.
package struct ErrorFeedback: Sendable {
  /// Added to the diagonal of G, since the inputs of other texts differ from those that were seen: this part of each element
  /// itself, and of their mean, which keeps columns without inputs in place. The usual 1 % of the mean alone is too much
  /// for most columns where a few are huge, as the inputs of a first token are: SmolLM2 in int4 then has a mean KL of 0.188
  /// instead of 0.140 (1,024 tokens).
  static let damping = (mean: 0.0003, own: 0.5)

  /// Memory of the factors, so that those of a whole model need not be in memory at once.
  package typealias Owner = AnyObject & Sendable

  /// U's columns of one block.
  struct Block: @unchecked Sendable {
    /// The first column that gives feedback to the block.
    let first: Int
    /// `[columns from the first to the block's last, 32]`
    let factors: UnsafePointer<Float>
  }

  package let columns: Int
  /// D, zero for the padding of the last block; mean squares of one token.
  let importance: [Float]
  let blocks: [Block]
  private let owner: any Owner

  /// Numbers that `init` needs memory for.
  package static func factorCount(of gram: GramMatrix) -> Int {
    gram.groups.reduce(0) { count, group in
      let blocks = GramMatrix.padded(group.count) / PackedLayout.blockColumns
      return count + blocks * (blocks + 1) / 2 * PackedLayout.blockColumns * PackedLayout.blockColumns
    }
  }

  /// - Parameters:
  ///   - memory: `factorCount(of: gram)` numbers.
  ///   - owner: keeps the memory as long as it lives.
  package init(_ gram: GramMatrix, memory: UnsafeMutableBufferPointer<Float>, owner: any Owner) {
    precondition(memory.count == Self.factorCount(of: gram), "memory of another size than the factors")
    columns = gram.columns
    self.owner = owner
    var importance: [Float] = []
    var blocks: [Block] = []
    var target = memory.baseAddress
    for index in gram.groups.indices {
      let group = gram.groups[index]
      let width = GramMatrix.padded(group.count)
      Self.withDecomposition(of: gram, group: index, width: width) { root in
        importance += (0..<width).map { column in
          column < group.count ? Float(root[column * (width + 1)] * root[column * (width + 1)]) : 0
        }
        for start in stride(from: 0, to: width, by: PackedLayout.blockColumns) {
          guard let factors = target else { return }
          let end = start + PackedLayout.blockColumns
          Self.copyFactors(root, width: width, columns: start..<end, to: factors)
          blocks.append(Block(first: group.lowerBound, factors: UnsafePointer(factors)))
          target = factors + end * PackedLayout.blockColumns
        }
      }
    }
    self.importance = importance
    self.blocks = blocks
  }

  /// Calls `body` with R `[width, width]` of G / tokens + damping = R Rᵀ. Where rounding has left no positive definite
  /// matrix it is damped more; of inputs that are no numbers and without tokens R is the unit matrix.
  private static func withDecomposition(
    of gram: GramMatrix, group: Int, width: Int, _ body: (UnsafePointer<Double>) -> Void
  ) {
    withUnsafeTemporaryAllocation(byteCount: width * width * 8, alignment: 64) { memory in
      let values = memory.bindMemory(to: Double.self)
      guard let base = values.baseAddress else { return }
      let isDecomposed = [1.0, 10, 100].contains { strength in
        fill(base, width: width, gram: gram, group: group, strength: strength)
        return ReverseCholesky(width: width, values: base).decompose()
      }
      if !isDecomposed {
        values.update(repeating: 0)
        for column in 0..<width { base[column * (width + 1)] = 1 }
      }
      body(UnsafePointer(base))
    }
  }

  private static func fill(
    _ values: UnsafeMutablePointer<Double>, width: Int, gram: GramMatrix, group: Int, strength: Double
  ) {
    let count = gram.groups[group].count
    let scale = 1 / Double(max(gram.tokens, 1))
    var trace = 0.0
    for row in 0..<width {
      let source = gram.row(row, ofGroup: group)
      for column in row..<width { values[row * width + column] = Double(source[column]) * scale }
      trace += values[row * (width + 1)]
    }
    let least = trace > 0 ? trace / Double(count) * damping.mean * strength : 1
    for column in 0..<width {
      let element = values[column * (width + 1)]
      values[column * (width + 1)] = element + element * damping.own * strength + least
    }
  }

  /// U's columns from R's: each divided by its diagonal element.
  private static func copyFactors(
    _ root: UnsafePointer<Double>, width: Int, columns: Range<Int>, to target: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<columns.upperBound {
      for column in columns {
        let value = column > row ? root[row * width + column] / root[column * (width + 1)] : 0
        target[row * PackedLayout.blockColumns + column - columns.lowerBound] = Float(value)
      }
    }
  }
}
