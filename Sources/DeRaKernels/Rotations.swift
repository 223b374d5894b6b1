import RealModule

/// Cosines and sines of the rotary position embedding for the columns of one pass, `[columns, half]` each.
///
/// They are computed for each pass: a table of all positions would cost tens of milliseconds at start-up and megabytes,
/// a pass's columns cost microseconds.
package final class Rotations: @unchecked Sendable {
  package let columns: Int
  /// Pairs of a head: headDim / 2.
  package let half: Int
  private let inverseFrequencies: [Float]
  private let magnitude: Float
  private let memory: UnsafeMutablePointer<Float>

  struct View {
    let cosines: UnsafePointer<Float>
    let sines: UnsafePointer<Float>
    let half: Int
  }

  /// - Parameter inverseFrequencies: `[half]`, radians a position; not empty.
  package init(inverseFrequencies: [Float], magnitude: Float = 1, columns: Int) {
    precondition(!inverseFrequencies.isEmpty && columns > 0, "no rotation of nothing")
    half = inverseFrequencies.count
    self.columns = columns
    self.inverseFrequencies = inverseFrequencies
    self.magnitude = magnitude
    memory = .allocate(capacity: 2 * columns * half)
    memory.initialize(repeating: 0, count: 2 * columns * half)
  }

  deinit { memory.deallocate() }

  /// Bytes it takes.
  package var byteCount: Int { 2 * columns * half * MemoryLayout<Float>.size }

  /// Gives the first columns the angles position · inverseFrequencies[i], rounded to f32 as transformers does; their
  /// cosines and sines are computed in Double and times `magnitude` rounded to f32.
  package func set(_ positions: UnsafeBufferPointer<Int32>) {
    precondition(positions.count <= columns, "more columns than there is room for")
    let sines = memory + columns * half
    for (column, position) in positions.enumerated() {
      write(position, cosines: memory + column * half, sines: sines + column * half)
    }
  }

  /// The cosines and sines of a position, `[half]` each.
  package func write(_ position: Int32, cosines: UnsafeMutablePointer<Float>, sines: UnsafeMutablePointer<Float>) {
    for pair in 0..<half {
      let angle = Double(Float(position) * inverseFrequencies[pair])
      cosines[pair] = Float(Double.cos(angle) * Double(magnitude))
      sines[pair] = Float(Double.sin(angle) * Double(magnitude))
    }
  }

  var view: View { View(cosines: memory, sines: memory + columns * half, half: half) }
}
