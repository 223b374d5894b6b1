import DeRaTensorCore

/// Σ x xᵀ over the inputs x of a matrix: what an error of its weights costs in its output.
///
/// An error E of the weights `[rows, columns]` changes the outputs by tr(E G Eᵀ) in sum of squares. Inputs of more than
/// 2048 columns are cut into equal groups and products between groups are left out, which bounds the memory (16 MB a group,
/// 32 while it is decomposed) and the time, at the price of errors that are not compensated across groups.
///
/// Filled by several threads at once, each in strips of its own; not to be read meanwhile.
package final class GramMatrix: @unchecked Sendable {
  static let groupColumns = 2048

  package let columns: Int
  /// Columns whose products with each other are kept, in order; all but the last end with a block of 32.
  package let groups: [Range<Int>]
  /// Tokens added.
  package private(set) var tokens = 0
  /// Group after group `[paddedWidth, paddedWidth]`, the upper triangle filled in blocks of 32.
  private let values: UnsafeMutablePointer<Float>
  private let offsets: [Int]
  private let valueCount: Int

  package init(columns: Int) {
    precondition(columns > 0, "inputs of a matrix have columns")
    let blocks = (columns - 1) / PackedLayout.blockColumns + 1
    let count = (columns - 1) / Self.groupColumns + 1
    let groups = (0..<count).map { index in
      let bounds = [index, index + 1].map { min(columns, blocks * $0 / count * PackedLayout.blockColumns) }
      return bounds[0]..<bounds[1]
    }
    var offsets: [Int] = []
    var valueCount = 0
    for group in groups {
      offsets.append(valueCount)
      valueCount += Self.padded(group.count) * Self.padded(group.count)
    }
    self.columns = columns
    self.groups = groups
    self.offsets = offsets
    self.valueCount = valueCount
    values = .allocate(capacity: valueCount)
    values.initialize(repeating: 0, count: valueCount)
  }

  deinit { values.deallocate() }

  static func padded(_ count: Int) -> Int {
    count.roundedUp(toMultipleOf: PackedLayout.blockColumns)
  }

  /// Forgets what was added.
  package func clear() {
    values.update(repeating: 0, count: valueCount)
    tokens = 0
  }

  /// The product of two columns of one group.
  package func product(_ left: Int, _ right: Int) -> Float {
    guard let index = groups.firstIndex(where: { $0.contains(left) && $0.contains(right) }) else { return 0 }
    let start = groups[index].lowerBound
    let (row, column) = (min(left, right) - start, max(left, right) - start)
    return values[offsets[index] + row * Self.padded(groups[index].count) + column]
  }

  /// Row `row` of a group from its block's start, the group's columns counted from 0.
  func row(_ row: Int, ofGroup index: Int) -> UnsafePointer<Float> {
    UnsafePointer(values + offsets[index] + row * Self.padded(groups[index].count))
  }
}

extension GramMatrix {
  /// Independent pieces of `add`: a strip is the products of one block of 32 columns with those from it on.
  package var strips: Int { groups.reduce(0) { $0 + Self.padded($1.count) / PackedLayout.blockColumns } }

  /// Notes that `count` tokens are being added; once for all strips.
  package func addTokens(_ count: Int) { tokens += count }

  /// Adds a strip's products over some tokens. Every sum runs through the tokens in order, whoever computes it.
  /// - Parameters:
  ///   - inputs: `[tokens, stride]`
  ///   - tokens: at most a few hundred; scratch memory is 256 bytes each.
  package func add(strip: Int, inputs: UnsafePointer<Float>, stride: Int, tokens: Int) {
    var strip = strip
    for (index, group) in groups.enumerated() {
      let blocks = Self.padded(group.count) / PackedLayout.blockColumns
      if strip >= blocks {
        strip -= blocks
        continue
      }
      add(block: strip, ofGroup: index, inputs + group.lowerBound, stride: stride, tokens: tokens)
      return
    }
  }

  private func add(block: Int, ofGroup index: Int, _ inputs: UnsafePointer<Float>, stride: Int, tokens: Int) {
    let size = PackedLayout.blockColumns
    let width = Self.padded(groups[index].count)
    withUnsafeTemporaryAllocation(of: SIMD16<Float>.self, capacity: 4 * tokens) { scratch in
      guard let left = scratch.baseAddress else { return }
      let right = left + 2 * tokens
      let gather = { (block: Int, target: UnsafeMutablePointer<SIMD16<Float>>) in
        let count = min(size, self.groups[index].count - block * size)
        Self.gather(inputs + block * size, columns: count, stride: stride, tokens: tokens, into: target)
      }
      gather(block, left)
      for other in block..<width / size {
        if other > block { gather(other, right) }
        Self.addProducts(
          left, other > block ? right : left, tokens: tokens,
          to: values + offsets[index] + block * size * width + other * size, width: width)
      }
    }
  }

  /// Copies 32 columns of all tokens, zero where there are fewer.
  private static func gather(
    _ inputs: UnsafePointer<Float>, columns: Int, stride: Int, tokens: Int,
    into target: UnsafeMutablePointer<SIMD16<Float>>
  ) {
    target.initialize(repeating: SIMD16(repeating: 0), count: 2 * tokens)
    target.withMemoryRebound(to: Float.self, capacity: PackedLayout.blockColumns * tokens) { target in
      for token in 0..<tokens {
        (target + token * PackedLayout.blockColumns).update(from: inputs + token * stride, count: columns)
      }
    }
  }

  /// target[i, k] += Σ left[token, i] · right[token, k] for 32 × 32 products; two rows of 16 at a time stay in registers.
  private static func addProducts(
    _ left: UnsafePointer<SIMD16<Float>>, _ right: UnsafePointer<SIMD16<Float>>, tokens: Int,
    to target: UnsafeMutablePointer<Float>, width: Int
  ) {
    let size = PackedLayout.blockColumns
    let factors = UnsafeRawPointer(left).assumingMemoryBound(to: Float.self)
    for row in stride(from: 0, to: size, by: 2) {
      for half in 0..<2 {
        var first = SIMD16<Float>(repeating: 0)
        var second = SIMD16<Float>(repeating: 0)
        for token in 0..<tokens {
          let values = right[2 * token + half]
          first += values * factors[token * size + row]
          second += values * factors[token * size + row + 1]
        }
        let raw = UnsafeMutableRawPointer(target + row * width + half * 16)
        raw.storeBytes(of: raw.loadUnaligned(as: SIMD16<Float>.self) + first, as: SIMD16<Float>.self)
        let next = raw + width * MemoryLayout<Float>.size
        next.storeBytes(of: next.loadUnaligned(as: SIMD16<Float>.self) + second, as: SIMD16<Float>.self)
      }
    }
  }
}
