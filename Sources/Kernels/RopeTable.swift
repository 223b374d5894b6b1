import RealModule

/// Cosines and sines of the rotary position embedding, `[positions, half]` each.
public final class RopeTable: @unchecked Sendable {
  public let positions: Int
  /// Pairs of a head: headDim / 2.
  public let half: Int
  private let memory: UnsafeMutablePointer<Float>

  struct View {
    let cosines: UnsafePointer<Float>
    let sines: UnsafePointer<Float>
    let positions: Int
    let half: Int
  }

  /// cos and sin of p · inverseFrequencies[i], times `magnitude`. The angle is rounded to f32 first, as the reference
  /// implementations do; the rest is computed in Double.
  /// - Parameter inverseFrequencies: `[half]`, radians a position; not empty.
  public init(inverseFrequencies: [Float], magnitude: Float = 1, positions: Int) {
    precondition(!inverseFrequencies.isEmpty && positions > 0, "an empty rotation table")
    let half = inverseFrequencies.count
    self.half = half
    self.positions = positions
    memory = .allocate(capacity: 2 * positions * half)
    let sines = memory + positions * half
    for position in 0..<positions {
      for (pair, frequency) in inverseFrequencies.enumerated() {
        let angle = Double(Float(position) * frequency)
        memory[position * half + pair] = Float(Double.cos(angle) * Double(magnitude))
        sines[position * half + pair] = Float(Double.sin(angle) * Double(magnitude))
      }
    }
  }

  deinit { memory.deallocate() }

  /// Bytes it takes.
  public var byteCount: Int { 2 * positions * half * MemoryLayout<Float>.size }

  var view: View {
    View(cosines: memory, sines: memory + positions * half, positions: positions, half: half)
  }
}
