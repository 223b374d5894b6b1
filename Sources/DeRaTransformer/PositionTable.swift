import DeRaKernels
import DeRaTensorCore

/// The cosines and sines of all positions of a context, which keys without their bias are scored with.
///
/// It becomes resident as far as positions are used: 4·headDim bytes each, for all layers and models.
final class PositionTable {
  private let rotations: Rotations
  private let memory: AnonymousMemory
  private var count = 0

  /// - Throws: `TensorError` when the memory cannot be had.
  init(_ rotations: Rotations, context: Int) throws(TensorError) {
    self.rotations = rotations
    memory = try AnonymousMemory(
      byteCount: CheckedSize.product(context, 2 * rotations.half, MemoryLayout<Float>.size),
      purpose: "a table of positions")
  }

  var byteCount: Int { memory.byteCount }

  /// `[positions, 2 · half]`
  var values: UnsafeMutablePointer<Float> { memory.base.assumingMemoryBound(to: Float.self) }

  /// Fills in the positions below `end`.
  func extend(to end: Int) {
    while count < end {
      let row = values + count * 2 * rotations.half
      rotations.write(Int32(count), cosines: row, sines: row + rotations.half)
      count += 1
    }
  }
}
